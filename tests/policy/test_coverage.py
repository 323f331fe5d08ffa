"""Tests of what a key can spend that none of its budgets bounds."""

from __future__ import annotations

from datetime import date

import pytest

from glmgate.policy.coverage import Routed, gaps, together
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.wire.engine import Place
from glmgate.wire.terms import Budget, Scope, Terms

NOW = 1_800_000_000.0
PRICES = Prices(
    [
        Price(model="dollars", currency="USD", rates=Rates()),
        Price(model="yuan", currency="CNY", rates=Rates()),
        Price(model="both", currency="USD", rates=Rates()),
        Price(model="both", currency="CNY", rates=Rates(), since=date(2099, 1, 1)),
    ]
)
ROUTED = [
    Routed((name, f"{name}-alias"), [Place(f"a/{name}", "a", name)]) for name in ("dollars", "yuan", "both", "unpriced")
] + [Routed(("tiny",), [Place("tiny", "", "tiny")])]


def found(*budgets: Budget, models: tuple[str, ...] | None = None) -> list[tuple[str, str | None]]:
    """What a key of a project with these budgets can spend unbounded: models and currencies."""
    scopes = [
        Scope("project", "p", Terms(budgets=budgets[1:])),
        Scope("key", "k", Terms(budgets=budgets[:1], models=models)),
    ]
    return [(gap.model, gap.currency) for gap in gaps(scopes, ROUTED, PRICES, NOW)]


def money(unit: str, mode: str = "hard") -> Budget:
    """A budget."""
    return Budget(limit="10", unit=unit, mode="warn" if mode == "warn" else "hard")


def test_every_currency_of_every_route_has_to_be_covered() -> None:
    """Those that begin later too, and models without a price; an engine of our own costs nothing."""
    assert found(money("USD")) == [("yuan", "CNY"), ("both", "CNY"), ("unpriced", None)]
    assert found(money("USD"), money("CNY")) == [("unpriced", None)]


def test_only_what_a_key_may_ask_for_counts() -> None:
    """By any of the model's names."""
    assert found(money("USD"), models=("dollars-*",)) == []
    assert found(money("USD"), models=("yuan",)) == [("yuan", "CNY")]


@pytest.mark.parametrize("budgets", [[], [Budget(limit="10", unit="tokens")], [money("USD", "warn")]])
def test_a_key_whose_money_is_not_bounded_has_no_gaps(budgets: list[Budget]) -> None:
    """Tokens are bounded whatever they cost, and who is only warned wants no more."""
    assert found(*budgets) == []


def test_a_gap_says_what_to_do() -> None:
    """Whose, of which model, where, and in which currency."""
    scopes = [Scope("key", "k", Terms(budgets=(money("USD"),)))]
    yuan, _, unpriced = gaps(scopes, ROUTED, PRICES, NOW)
    for words in ("key 'k'", "'yuan'", "'a/yuan'", "charges in CNY", "are in USD", "add a budget in CNY"):
        assert words in str(yuan)
    assert "[[prices]]" in str(unpriced)


def test_many_gaps_that_are_alike_are_one_sentence() -> None:
    """For each key, upstream and currency; with some of the names, and how many more there are."""
    routed = [
        Routed((name,), [Place(f"a/{name}", "a", name), Place(f"b/{name}", "b", name)])
        for name in ("one", "two", "yuan", "three", "four", "five")
    ]
    scopes = [Scope("key", "k", Terms(budgets=(money("USD"),)))]
    a, b, yuan, also_yuan = together(gaps(scopes, routed, PRICES, NOW), "found there")
    assert a == (
        "the key 'k' may ask for 'one', 'two', 'three' and 2 more, which 'a' (found there) answers, and nobody knows a "
        "price: add them to [[prices]], or allow it other models only."
    )
    assert b == a.replace("'a'", "'b'")
    assert yuan == (
        "the key 'k' may ask for 'yuan', which 'a' (found there) charges in CNY, and its budgets are in USD: add a "
        "budget in CNY, or allow it other models only."
    )
    assert also_yuan == yuan.replace("'a'", "'b'")
