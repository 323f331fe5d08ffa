"""Tests of what a request asks of budgets: the most that it can cost, and what is left of an answer for less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.admission import (
    LONGEST,
    NullQuotes,
    Target,
    Wish,
    amount,
    answer_limit,
    uncovered,
)
from glmgate.policy.budgets import Account, accounts
from glmgate.policy.counters import State
from glmgate.policy.sizes import Size
from glmgate.wire.charge import Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from glmgate.wire.terms import Budget, Scope, Terms
from tests.policy.quoting import quotes

CHEAP, DEAR = Place("a/cheap", "a", "cheap"), Place("b/dear", "b", "dear")
OTHER = Place("c/other", "c", "other")
OWN = Place("tiny", "", "tiny")
ALL = (Target(CHEAP), Target(DEAR), Target(OTHER))


def account(unit: str = "USD", *, mode: str = "hard", limit: str = "1000000") -> Account:
    """The account of a key with one budget."""
    budget = Budget(limit=limit, unit=unit, mode="warn" if mode == "warn" else "hard")
    (found,) = accounts([Scope("key", "k", Terms(budgets=(budget,)))], 1_800_000_000.0)
    return found


def wish(*, max_tokens: int | None = 50, answers: int = 1, targets: tuple[Target, ...] = ALL) -> Wish:
    """A request with a prompt of 100 bytes."""
    return Wish(Size(100, max_tokens, answers), targets, quotes())


def test_a_hard_budget_is_asked_for_the_dearest_place() -> None:
    """Every byte may be a token; the least is the prompt and one token of an answer."""
    spend = wish().spend(account())
    # `dear`: 2 USD a million of the prompt, 8 of the answer.
    assert (spend.amount, spend.least) == (100 * 2000 + 50 * 8000, 100 * 2000 + 8000)


def test_beyond_what_is_likely_a_hard_budget_is_asked_for_a_lease() -> None:
    """What is likely is what the ledger will have of it; where no store outlives its process there are no leases."""
    spend = wish(answers=2).spend(account("tokens"))
    assert (spend.amount, spend.likely) == (2 * 150, 2 * (25 + 50))
    assert spend.leased(300) == 150
    assert spend.leased(200) == 50
    assert spend.leased(100) == 0
    assert wish().spend(account()).likely == 25 * 2000 + 50 * 8000
    assert wish(answers=2).spend(account("tokens"), leases=False) == account("tokens").spend(300, least=202)


def test_several_answers_are_asked_for_one_by_one() -> None:
    """Each is a call with the whole prompt."""
    spend = wish(answers=3).spend(account())
    assert (spend.amount, spend.least) == (3 * 600_000, 3 * 208_000)


def test_a_budget_is_asked_in_its_own_unit() -> None:
    """A place that costs another currency takes nothing of it; tokens are tokens wherever."""
    assert wish(targets=(Target(OTHER),)).spend(account()).amount == 0
    assert wish(targets=(Target(OTHER),)).spend(account("CNY")).amount == 150_000
    assert wish().spend(account("tokens")).amount == 150


def test_without_a_limit_of_its_own_an_answer_may_be_as_long_as_its_model_makes_one() -> None:
    """As the longest of those who may answer, or as the longest known ones."""
    short = wish(max_tokens=None, targets=(Target(CHEAP, 300), Target(DEAR, 200)))
    assert short.spend(account("tokens")).amount == 100 + 300
    assert wish(max_tokens=None, targets=(Target(CHEAP, 2**62),)).spend(account("tokens")).amount == 100 + LONGEST


def test_a_budget_that_warns_is_asked_for_what_is_likely() -> None:
    """And for nothing less: it refuses nobody."""
    spend = wish(max_tokens=None).spend(account("tokens", mode="warn"))
    assert (spend.amount, spend.limit, spend.least) == (25 + 1024, None, None)


def test_tokens_per_minute_are_asked_for_what_is_likely() -> None:
    """The prompt by its ratio, all answers together."""
    assert wish(answers=2).tokens() == 2 * (25 + 50)
    assert Wish(Size(0, 0)).tokens() == 0


@given(st.integers(0, 5000), st.integers(1, 3), st.integers(1, 200_000), st.integers(0, 2 * 10**9))
def test_an_answer_that_is_limited_costs_no_more_than_was_granted(
    size: int, answers: int, most: int, granted: int
) -> None:
    """And one token more would, where that was asked for."""
    asked = Wish(Size(size, most, answers), ALL, quotes())
    for found in (account(), account("CNY"), account("tokens")):
        spend = asked.spend(found)
        got = min(granted, spend.amount)
        if spend.least is not None and got < spend.least:
            continue
        limit = asked.answer(found, got)
        if limit is None:
            assert got >= spend.amount
        else:
            assert 1 <= limit < most
            assert asked.cost(found.unit, limit) <= got < asked.cost(found.unit, limit + 1)


def test_the_tightest_budget_limits_the_answer() -> None:
    """One that only warns does not."""
    found = [account("tokens"), account(), account("CNY", mode="warn")]
    states = [State(130, 0), State(100 * 2000 + 20 * 8000, 0), State(75_000, 0)]
    spends = [wish().spend(each) for each in found]
    assert answer_limit(wish(), found, spends, states) == 20
    assert answer_limit(wish(), found[:1], spends[:1], [State(150, 0)]) is None


def test_one_attempt_is_reckoned_with_by_its_place() -> None:
    """With the longest answer that its model makes; one that nobody knew of with the longest there is."""
    request = Wish(Size(9), (Target(CHEAP, 10), Target(DEAR, 20)), quotes())
    assert request.of(DEAR, Size(5)).targets == (Target(DEAR, 20),)
    assert request.of(OTHER, Size(5)).cost("tokens", None) == 5 + LONGEST


@pytest.mark.parametrize(
    ("units", "place", "charge", "said"),
    [
        (["USD"], CHEAP, Charge(amount=5, currency="USD"), None),
        (["USD"], CHEAP, Charge(amount=5, currency="CNY"), "CNY"),
        (["USD", "CNY"], CHEAP, Charge(amount=5, currency="CNY"), None),
        (["USD"], CHEAP, Charge(amount=0, currency="CNY"), None),
        (["USD"], CHEAP, Charge(), "[[prices]]"),
        (["USD"], OWN, Charge(), None),
        (["tokens"], CHEAP, Charge(amount=5, currency="CNY"), None),
        ([], CHEAP, Charge(amount=5, currency="CNY"), None),
    ],
)
def test_money_that_no_budget_bounds_is_not_spent(
    units: list[str], place: Place, charge: Charge, said: str | None
) -> None:
    """Where there are hard budgets of money, each attempt costs a currency of theirs, nothing, or is not made."""
    error = uncovered([account(unit) for unit in units], place, charge)
    assert (error is None) == (said is None)
    if error is not None:
        assert said is not None
        assert said in error.message
        assert error.retry is False


def test_budgets_that_warn_bound_nothing() -> None:
    """So they refuse nothing either."""
    assert uncovered([account("USD", mode="warn")], CHEAP, Charge()) is None


def test_a_charge_counts_in_the_unit_of_the_budget() -> None:
    """Its tokens, or its money if it is of that currency."""
    charge = Charge(usage=Usage(3, 4), amount=70, currency="USD")
    assert [amount(charge, unit) for unit in ("tokens", "USD", "CNY")] == [7, 70, 0]
    assert amount(Charge(usage=Usage(1)), "USD") == 0


def test_without_prices_each_byte_is_a_token() -> None:
    """And nothing costs money."""
    nobody = NullQuotes()
    assert nobody.likely(CHEAP, Size(10)) == Usage(10, 1024)
    assert nobody.likely(CHEAP, Size(10, 5)) == Usage(10, 5)
    assert [nobody.cost(CHEAP, Usage(1, 2), unit) for unit in ("tokens", "USD")] == [3, 0]
