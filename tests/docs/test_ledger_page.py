"""The page of the ledger names every word that stands in a row."""

from __future__ import annotations

from typing import get_args

import pytest

from glmgate.policy.endings import Ending
from glmgate.policy.ledger import Settlement
from glmgate.policy.reconcile import ReasonKind
from glmgate.wire.engine import Outcome
from tests.docs.pages import DOCS, section

LEDGER = DOCS / "ledger.md"
OUTCOMES = {*get_args(Outcome), "unknown"}


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("## Outcomes", OUTCOMES),
        ("## Endings", {str(ending) for ending in Ending}),
        ("## The provider's invoice", set(get_args(ReasonKind))),
    ],
)
def test_every_word_is_explained(heading: str, words: set[str]) -> None:
    """In the table of its section."""
    table = "\n".join(line.split("|")[1] for line in section(LEDGER, heading).splitlines() if line.startswith("| `"))
    assert {word for word in words if f"`{word}`" not in table} == set()
    assert table.count("`") == 2 * len(words)


def test_the_endings_of_the_log_are_the_same() -> None:
    """One list on two pages."""
    text = section(DOCS / "operations.md", "## The log")
    assert {str(ending) for ending in Ending if f"`{ending}`" not in text} == set()


def test_there_is_no_other_word_for_a_settlement() -> None:
    """The ledger's own are the attempts', and one."""
    assert {word for part in get_args(Settlement) for word in (get_args(part) or (part,))} == OUTCOMES
