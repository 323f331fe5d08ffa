"""W3C trace context: what a `traceparent` says (Trace Context, level 1, section 3.2).

Spans are made in `otel`; here nothing but the header is known.
"""

from __future__ import annotations

import re
from typing import Final

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def trace_id_of(traceparent: str | None) -> str | None:
    """The id of the trace; None where there is none, or where the header is not one of that form."""
    if traceparent is None:
        return None
    found = _TRACEPARENT.fullmatch(traceparent)
    return None if found is None else found[1]
