"""Tests of terms as people write them: what is right comes out in one form, what is wrong is told with its place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import InvalidRequest
from glmgate.policy.budgets import accounts, written
from glmgate.policy.terms import NAMES, budget_of, budget_text, changed, checked, plain
from glmgate.wire.terms import NO_TERMS, TOKENS, Budget, Scope, Terms

FULL: dict[str, Any] = {
    "models": ["glm-4.*", "gpt-4o"],
    "rpm": 60,
    "tpm": 100_000,
    "in_flight": 4,
    "budgets": [{"limit": "10", "unit": "USD", "period": "day"}],
    "thinking": "off",
    "max_tokens": 400,
    "addresses": ["10.0.0.0/8", "2001:db8::/32"],
    "filters": ["secrets"],
    "tags": ["team-a"],
    "contents": True,
}


def refused(changes: dict[str, Any], *, where: str = "terms") -> InvalidRequest:
    """The error that changes meet."""
    with pytest.raises(InvalidRequest) as caught:
        changed(NO_TERMS, changes, where=where)
    return caught.value


def test_everything_can_be_said() -> None:
    """Plain values of every name become terms, and come back."""
    assert set(FULL) == set(NAMES)
    terms = changed(NO_TERMS, FULL)
    assert msgspec.json.decode(msgspec.json.encode(plain(terms))) == FULL
    assert terms.budgets == (Budget(limit="10", unit="USD", period="day"),)
    assert terms.addresses == ("10.0.0.0/8", "2001:db8::/32")


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_a_change_touches_what_it_names_alone(said: set[str], taken_back: set[str]) -> None:
    """What is not named stays; what is null says nothing any more."""
    before = changed(NO_TERMS, {name: FULL[name] for name in said})
    after = changed(before, dict.fromkeys(taken_back))
    for name in NAMES:
        expected = getattr(NO_TERMS if name in taken_back else before, name)
        assert getattr(after, name) == expected


@given(st.sets(st.sampled_from(NAMES)))
def test_terms_that_were_checked_are_regular(said: set[str]) -> None:
    """Checking them once more changes nothing."""
    terms = changed(NO_TERMS, {name: FULL[name] for name in said})
    assert checked(terms) == terms


@pytest.mark.parametrize(
    ("changes", "param", "said"),
    [
        ({"rpms": 5}, "terms.rpms", "Do you mean 'rpm'"),
        ({"colour": "red"}, "terms.colour", "Known are: models, rpm"),
        ({"rpm": 0}, "terms.rpm", "at least 1"),
        ({"tpm": -1}, "terms.tpm", "at least 1"),
        ({"in_flight": 2**60}, "terms.in_flight", "at least 1"),
        ({"rpm": "5"}, "terms.rpm", "Expected int, got str"),
        ({"rpm": True}, "terms.rpm", "Expected int, got bool"),
        ({"max_tokens": 1.5}, "terms.max_tokens", "Expected int, got float"),
        ({"thinking": "maybe"}, "terms.thinking", "maybe"),
        ({"models": []}, "terms.models", "would allow nothing"),
        ({"models": ["glm-*-air"]}, "terms.models[0]", "at its end"),
        ({"models": ["glm 4"]}, "terms.models[0]", "'glm 4'"),
        ({"models": "glm-4.6"}, "terms.models", "Expected array"),
        ({"addresses": ["10.0.0.1/8"]}, "terms.addresses[0]", "host bits"),
        ({"addresses": ["::1", "example.com"]}, "terms.addresses[1]", "'example.com'"),
        ({"tags": ["two words"]}, "terms.tags[0]", "'two words'"),
        ({"tags": [str(number) for number in range(1001)]}, "terms.tags", "1001 are too many"),
        ({"filters": [""]}, "terms.filters[0]", "no word"),
    ],
)
def test_what_makes_no_sense_is_told(changes: dict[str, Any], param: str, said: str) -> None:
    """With its place, and what would be right."""
    error = refused(changes)
    assert error.param == param
    assert said in error.message


@pytest.mark.parametrize(
    ("change", "member", "said"),
    [
        ({"limit": "0"}, "limit", "above 0"),
        ({"limit": "-5"}, "limit", "above 0"),
        ({"limit": "ten"}, "limit", "no decimal number"),
        ({"limit": "inf"}, "limit", "no decimal number"),
        ({"limit": "nan"}, "limit", "no decimal number"),
        ({"limit": "0.0000000001"}, "limit", "9 decimal places"),
        ({"limit": "1e-999999999"}, "limit", "9 decimal places"),
        ({"limit": "4000000.000000001"}, "limit", "is more than 4000000 USD"),
        ({"limit": "1e12", "unit": "JPY"}, "limit", "is more than 4000000 JPY"),
        ({"limit": "4000000000000001", "unit": "tokens"}, "limit", "is more than 4000000000000000 tokens"),
        ({"limit": "1.5", "unit": "tokens"}, "limit", "whole number of tokens"),
        ({"limit": 5}, "limit", "Expected str, got int"),
        ({"unit": "DOLLARS"}, "unit", "three letters"),
        ({"period": "week"}, "period", "week"),
        ({"mode": "soft"}, "mode", "soft"),
        ({"zone": "Europe/Nowhere"}, "zone", "no time zone"),
        ({"zone": "/etc/passwd"}, "zone", "no time zone"),
        ({"zone": "Europe"}, "zone", "no time zone"),
        ({"currency": "USD"}, "", "currency"),
    ],
)
def test_a_budget_that_makes_no_sense_is_told(change: dict[str, Any], member: str, said: str) -> None:
    """With the budget and the member of it."""
    good = {"limit": "10", "unit": "USD", "period": "day"}
    error = refused({"budgets": [good, good | {"period": "month"} | change]})
    assert error.param == f"terms.budgets[1]{f'.{member}' if member else ''}"
    assert said in error.message


@pytest.mark.parametrize(("limit", "unit"), [("4000000", "USD"), ("0.000000001", "USD"), ("4000000000000000", TOKENS)])
@pytest.mark.parametrize("mode", ["hard", "warn"])
def test_the_largest_and_the_smallest_budget_can_be_counted(limit: str, unit: str, mode: str) -> None:
    """What terms let through, no request fails at."""
    terms = changed(NO_TERMS, {"budgets": [{"limit": limit, "unit": unit, "mode": mode}]})
    (account,) = accounts([Scope("key", "k", terms)], 0.0)
    (counted,) = account.warns if account.limit is None else (account.limit,)
    assert written(counted, unit) == f"{limit} {unit}"


def test_two_budgets_of_the_same_are_refused() -> None:
    """One of them would never be seen."""
    same = {"limit": "10", "unit": "usd"}
    assert "two hard budgets of USD for a month" in refused({"budgets": [same, same | {"limit": "5"}]}).message
    assert len(changed(NO_TERMS, {"budgets": [same, same | {"mode": "warn"}]}).budgets) == 2


def test_values_get_their_regular_form() -> None:
    """Numbers without needless zeros, currencies in capitals, addresses as networks, words once."""
    terms = changed(
        NO_TERMS,
        {
            "budgets": [{"limit": "010.50", "unit": "usd"}, {"limit": "1e6", "unit": "Tokens"}],
            "addresses": ["127.0.0.1"],
            "tags": ["a", "b", "a"],
        },
    )
    assert [(budget.limit, budget.unit) for budget in terms.budgets] == [("10.5", "USD"), ("1000000", "tokens")]
    assert terms.addresses == ("127.0.0.1/32",)
    assert terms.tags == ("a", "b")


def test_the_place_is_named_from_where_it_was_given() -> None:
    """Over HTTP terms stand inside of a member."""
    assert refused({"rpm": 0}, where="glmgate.terms").param == "glmgate.terms.rpm"


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("10USD/day", Budget(limit="10", unit="USD", period="day")),
        ("10.50 usd/month:warn", Budget(limit="10.5", unit="USD", mode="warn")),
        ("1000000tokens/month", Budget(limit="1000000", unit="tokens")),
        ("3EUR/day:hard@Europe/Paris", Budget(limit="3", unit="EUR", period="day", zone="Europe/Paris")),
        ("3CNY/day@Asia/Shanghai", Budget(limit="3", unit="CNY", period="day", zone="Asia/Shanghai")),
    ],
)
def test_a_budget_is_read_from_one_word(text: str, budget: Budget) -> None:
    """As the command line has it, and it is shown so again."""
    assert budget_of(text) == budget
    assert budget_of(budget_text(budget)) == budget


@pytest.mark.parametrize("text", ["", "10", "10USD", "USD/day", "10USD/week", "10USD/day:soft", "10USD/day@Nowhere"])
def test_what_is_no_budget_is_told(text: str) -> None:
    """Not taken for another one."""
    with pytest.raises(InvalidRequest):
        budget_of(text)


def test_terms_without_anything_are_plain() -> None:
    """Nothing is said where nothing was."""
    assert plain(Terms()) == {}
