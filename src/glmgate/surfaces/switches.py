"""Switches that a caller sets for one request, in a header or in the body's member `glmgate`.

What they switch is decided behind the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from glmgate.errors import InvalidRequest
from glmgate.surfaces.asgi import text

_WORDS: Final = {
    "on": True,
    "1": True,
    "true": True,
    "yes": True,
    "off": False,
    "0": False,
    "false": False,
    "no": False,
}


def switch(headers: Mapping[bytes, bytes], name: str, *, in_body: bool | None) -> bool | None:
    """What the caller wants: the body's word, else the header's; None where neither says anything.

    Raises InvalidRequest for a header that is neither on nor off.
    """
    if in_body is not None:
        return in_body
    word = (text(headers, name.encode("ascii")) or "").strip().lower()
    if word and word not in _WORDS:
        raise InvalidRequest(f"The header {name!r} is {word[:32]!r}, but must be 'on' or 'off'.", param=name)
    return _WORDS.get(word)
