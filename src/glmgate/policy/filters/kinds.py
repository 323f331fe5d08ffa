"""What filters know by themselves: addresses, numbers of people and accounts, and secrets.

Patterns meet folded text (`folding`): their digits, blanks and hyphens stand for those of every script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from glmgate.policy.filters import digits
from glmgate.policy.filters.expressions import Expressions
from glmgate.policy.filters.scan import Check

_PRIVATE_KEY: Final = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-{1,4}[^-])*"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
)
_LABEL: Final = "[a-z0-9-]{1,63}"


@dataclass(frozen=True, slots=True)
class Known:
    """A kind of text: its patterns, the check behind them, and what stands in its place when it is masked."""

    patterns: tuple[str, ...]
    replacement: str
    check: Check | None = None


KINDS: Final[Mapping[str, Known]] = MappingProxyType(
    {
        # The local part is what clients write, not all that RFC 5321 allows.
        "email": Known((rf"(?i)[a-z0-9_][a-z0-9._%+-]{{0,63}}@(?:{_LABEL}\.){{1,8}}[a-z]{{2,24}}",), "[e-mail]"),
        "phone": Known(
            (
                r"(?:\+|\b00)[1-9](?:[ .()/-]{0,2}[0-9]){7,16}\b",
                r"\b(?:86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}\b",  # mobile phones of China
            ),
            "[phone]",
            lambda text: digits.phone(text) if text.startswith(("+", "00")) else (0, len(text)),
        ),
        "card": Known((rf"\b[0-9](?:[ -]?[0-9]){{12,{digits.LONGEST_RUN - 1}}}\b",), "[card]", digits.card),
        "china-id": Known(
            (r"\b[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]\b",),
            "[id]",
            digits.china_id,
        ),
        "iban": Known(
            (rf"(?i)\b[a-z]{{2}}[0-9]{{2}}(?: ?[a-z0-9]){{11,{digits.LONGEST_RUN - 4}}}\b",), "[iban]", digits.iban
        ),
        "us-ssn": Known((r"\b(?:[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4})\b",), "[ssn]", digits.us_ssn),
        "secret": Known(
            (
                _PRIVATE_KEY,
                r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",  # Amazon
                r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",  # GitHub
                r"\bgithub_pat_[A-Za-z0-9_]{22,255}\b",
                r"\bglpat-[A-Za-z0-9_-]{20,100}",  # GitLab
                r"\bxox[abeprs]-[A-Za-z0-9-]{10,250}",  # Slack
                r"\bAIza[A-Za-z0-9_-]{35}\b",  # Google
                r"\bsk-[A-Za-z0-9_-]{20,250}",  # OpenAI and those who write keys as it does
                r"\b[0-9a-f]{32}\.[0-9A-Za-z]{16,64}\b",  # GLM, and this server
                r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # JSON web tokens
            ),
            "[secret]",
        ),
    }
)


@cache
def expressions(kind: str) -> Expressions:
    """The patterns of a kind, made once."""
    return Expressions(KINDS[kind].patterns)
