"""How long a peer asks to wait, from the header of a reply (RFC 9110, 10.2.3). No clock is read here."""

from __future__ import annotations

import email.utils
import re
from datetime import UTC
from typing import Final

_DIGITS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


def retry_after_s(text: str, *, now: float) -> float | None:
    """What a Retry-After header asks for, in seconds; None where it is neither a number nor a date.

    `now` is in Unix seconds. Fractions are no number of the RFC's, but some services send them.
    """
    text = text.strip()
    if _DIGITS.fullmatch(text):
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)
