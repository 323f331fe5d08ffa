"""Ids of requests that are ours: no two are the same, whatever clients call theirs, and later ones sort later.

They are UUIDs of version 7 (RFC 9562, section 5.7), in hex without dashes.
"""

from __future__ import annotations

import secrets
import time
from typing import Final

_RANDOM_BITS: Final = 62
_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << _RANDOM_BITS
_AFTER_VERSION: Final = 12  # bits


def uid(now_s: float | None = None) -> str:
    """An id of this moment; `now_s` (Unix seconds) stands in for it."""
    ms = int((time.time() if now_s is None else now_s) * 1000)
    high = secrets.randbits(_AFTER_VERSION) << (_RANDOM_BITS + 2)
    return f"{(ms << 80) | _VERSION | high | _VARIANT | secrets.randbits(_RANDOM_BITS):032x}"
