"""An upstream's own words, fit to be shown: short, on one line, and without anything that may be a credential.

Whose words they are and what they mean is said by who quotes them.
"""

from __future__ import annotations

import re
from typing import Final

from glmgate.engines.upstream.secret import Secret

_LONGEST: Final = 400
_HIDDEN: Final = "[…]"
_SHORTEST_PART: Final = 8
_CREDENTIALS: Final = re.compile(
    r"""
    \b(?:sk|pk|rk|key|hf|gsk|xai|nvapi)[-_][\w*.\-]{8,}   # keys of the usual prefixes, also those shown in part
    | \bBearer\s+[^\s"',;]+
    | \beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?                 # JSON web tokens
    | \b[0-9a-f]{32}\.\w{12,}                             # `id.secret`
    | (?<=://)[^\s/@]+@                                   # before the host of a URL
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


def quoted(text: str, secret: Secret | None = None) -> str:
    """`text` for a message of ours; `secret` is our credential there, which some repeat, whole or one half of it."""
    if secret is not None:
        value = secret.reveal()
        halves = [half for half in value.split(".") if len(half) >= _SHORTEST_PART]
        for part in (value, *halves):
            text = text.replace(part, _HIDDEN)
    text = _CREDENTIALS.sub(_HIDDEN, text[: _LONGEST * 8])
    text = _BLANKS.sub(" ", text).strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
