"""The mask for contents that are logged: what filters find by themselves, and what only looks like a secret.

A log is read by more people than a model is, so it is masked more freely: no check digit has to be right. A mask hides
what looks like a secret; it is no promise that nothing else is one.
"""

from __future__ import annotations

from typing import Final

from glmgate.policy.filters.expressions import Expressions
from glmgate.policy.filters.kinds import KINDS, expressions
from glmgate.policy.filters.scan import Counts, Numbers, Rule, Scan, whole

# Forms that too much of a harmless text has for a filter to change it.
_LOOSE: Final = (
    r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",
    r"(?i)\b[0-9a-f]{32}\.[\w-]{8,}",
    r"\b(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[abprs]|hf)[-_][\w-]{12,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"(?i)\bbearer +[\w.~+/-]{8,}=*",
    r"(?i)\b(?:password|secret|api[_-]?key|access[_-]?token)[\"']?\s{0,4}[:=]\s{0,4}[^\s,;}]{1,256}",
)
_NUMBER: Final = r"\+?[0-9](?:[ -]?[0-9]){8,63}"

_RULES: Final = (
    Rule(
        name="secret",
        finder=Expressions((*KINDS["secret"].patterns, *_LOOSE)),
        replacement=KINDS["secret"].replacement,
    ),
    *(
        Rule(name=kind, finder=expressions(kind), replacement=KINDS[kind].replacement, check=KINDS[kind].check)
        for kind in ("email", "iban", "phone")
    ),
    Rule(name="number", finder=Expressions((_NUMBER,)), replacement="[number]"),
)


def masked(text: str) -> str:
    """The text with everything that looks like an address, a credential, a phone or a card number masked."""
    for rule in _RULES:
        text = whole(Scan(rule, Counts(), Numbers()), text)
    return text
