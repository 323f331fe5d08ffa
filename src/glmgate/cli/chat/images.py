"""A file of a picture as the data URL that a content part carries.

Whether a model can see it is the model's matter.
"""

from __future__ import annotations

import base64
from typing import Final

MOST_BYTES: Final = 20_000_000
"""Services refuse bodies far below this; more would only be read to be refused."""


def data_url(content: bytes) -> str | None:
    """The data URL of a picture; None when it is none that services take. Its bytes decide, not a name."""
    kind = _kind(content)
    return None if kind is None else f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _kind(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    return None
