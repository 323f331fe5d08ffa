"""Which filters a request meets, and in which order."""

from __future__ import annotations

import pytest

from glmgate.policy.filters.chain import Filter, HookFilter, SizeFilter, TextFilter, Texts, UnknownFilter, chain, names
from glmgate.policy.filters.scan import Counts, Numbers
from glmgate.wire.engine import Call
from glmgate.wire.moderation import Direction, Judgement, Passage
from glmgate.wire.terms import Scope, Terms
from tests.policy.filters.making import cut, kind_rule, through


class Nobody:
    """A hook that is never asked."""

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:
        """Say that all is well."""
        return Judgement(flagged=False)


MAIL_FILTER = TextFilter(rule=kind_rule("email", name="mail"))
CARD_IN = TextFilter(rule=kind_rule("card"), side="input")
SIZE_OUT = SizeFilter(name="size", most=10, side="output")
HOOK = HookFilter(name="hook", hook=Nobody())
KNOWN: dict[str, Filter] = {each.name: each for each in (MAIL_FILTER, CARD_IN, SIZE_OUT, HOOK)}


def test_the_widest_scope_comes_first_and_each_filter_once() -> None:
    """Those for all, then the organisation's, the project's and the key's."""
    scopes = (
        Scope("organisation", "o", Terms(filters=("a", "all"))),
        Scope("project", "p", Terms(filters=("b", "a"))),
        Scope("key", "k", Terms(filters=("c", "b"))),
    )
    assert names(["all"], scopes) == ("all", "a", "b", "c")
    assert names([], ()) == ()


def test_each_direction_has_its_filters() -> None:
    """In the order of their names in the terms; hooks are apart."""
    wanted = ["hook", "size", "card", "mail"]
    assert chain(KNOWN, wanted, "input").inline == (CARD_IN, MAIL_FILTER)
    assert chain(KNOWN, wanted, "output").inline == (SIZE_OUT, MAIL_FILTER)
    assert chain(KNOWN, wanted, "input").hooks == (HOOK,)
    assert not chain(KNOWN, ["card"], "output")


@pytest.mark.parametrize("direction", ["input", "output"])
def test_a_filter_that_is_not_there_lets_nothing_pass(direction: Direction) -> None:
    """The error says which one, and that a retry does not help."""
    with pytest.raises(UnknownFilter, match="'gone'") as raised:
        chain(KNOWN, ["mail", "gone"], direction)
    assert (raised.value.status, raised.value.retry, raised.value.code) == (503, False, "filter_missing")


@pytest.mark.parametrize("lengths", [[100], [1], [3, 4]])
def test_a_size_counts_all_texts_together(lengths: list[int]) -> None:
    """What is within it leaves, however it is cut."""
    counts = Counts()
    texts = Texts((SizeFilter(name="size", most=10),), counts, Numbers())
    first, second = texts.machine(), texts.machine()
    assert through(first, cut("12345678", lengths)) == "12345678"
    assert through(second, cut("abcdef", lengths)) == "ab"
    assert (first.refused, second.refused, counts.found) == (None, "size", {"size": 1})
