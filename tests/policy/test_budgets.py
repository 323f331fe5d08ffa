"""Tests of budgets: their periods in every time zone, what is counted for whom, and what a refusal says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import TZPATH, ZoneInfo, reset_tzpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import SettingsError
from glmgate.policy.budgets import NullPast, Span, accounts, amount_of, check, refusal, span, written
from glmgate.policy.counters import Spend, State
from glmgate.policy.terms import checked
from glmgate.wire.terms import Budget, Period, Scope, Terms

NOW = datetime(2026, 3, 17, 12, tzinfo=ZoneInfo("UTC")).timestamp()
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Paris", "Asia/Kolkata", "Pacific/Auckland"]


def at(text: str, zone: str = "UTC") -> float:
    """A moment in Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def scope(*budgets: Budget) -> Scope:
    """A key with these budgets."""
    return Scope("key", "k-1", Terms(budgets=budgets))


@pytest.mark.parametrize(
    ("period", "zone", "now", "start", "until"),
    [
        ("day", "UTC", at("2026-03-17T12:00"), at("2026-03-17"), at("2026-03-18")),
        ("month", "UTC", at("2026-12-31T23:59:59"), at("2026-12-01"), at("2027-01-01")),
        ("month", "UTC", at("2028-02-29T00:00"), at("2028-02-01"), at("2028-03-01")),
        ("day", "Asia/Shanghai", at("2026-03-17T20:00"), at("2026-03-18", "Asia/Shanghai"), at("2026-03-18T16:00")),
        # 23 and 25 hours: the clocks are changed in the night.
        ("day", "Europe/Paris", at("2026-03-29T12:00"), at("2026-03-28T23:00"), at("2026-03-29T22:00")),
        ("day", "America/New_York", at("2026-11-01T12:00"), at("2026-11-01T04:00"), at("2026-11-02T05:00")),
        ("month", "Europe/Paris", at("2026-03-30T12:00"), at("2026-02-28T23:00"), at("2026-03-31T22:00")),
    ],
)
def test_periods_begin_at_midnight_of_their_zone(
    period: Period, zone: str, now: float, start: float, until: float
) -> None:
    """Also where a day has 23 hours or 25, and at the end of a year."""
    assert span(period, zone, now) == Span(start, until)


@given(st.sampled_from(["day", "month"]), st.sampled_from(ZONES), st.integers(1_500_000_000, 2_200_000_000))
def test_every_moment_is_in_exactly_one_period(period: Period, zone: str, now: int) -> None:
    """Periods follow each other without gap or overlap, whichever moment they are asked for first."""
    found = span(period, zone, now)
    assert found.start <= now < found.until
    assert span(period, zone, found.until).start == found.until
    assert span(period, zone, found.until - 1) == found
    begins = datetime.fromtimestamp(found.start, ZoneInfo(zone))
    assert (begins.hour, begins.minute, begins.second) == (0, 0, 0)
    assert period == "day" or begins.day == 1
    assert timedelta(hours=23) <= timedelta(seconds=found.until - found.start) <= timedelta(days=31, hours=1)


def test_amounts_are_whole_numbers() -> None:
    """Nano-units of a currency, or tokens."""
    assert amount_of(Budget(limit="12.5", unit="USD")) == 12_500_000_000
    assert amount_of(Budget(limit="0.000000001", unit="CNY")) == 1
    assert amount_of(Budget(limit="1000", unit="tokens")) == 1000


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(limit="much", unit="USD"), "much"),
        (Budget(limit="-1", unit="USD"), "-1"),
        (Budget(limit="NaN", unit="USD"), "NaN"),
        (Budget(limit="1e30", unit="tokens"), "1e30"),
        (Budget(limit="1", unit="dollars"), "dollars"),
        (Budget(limit="1", unit="USD", zone="Mars/Olympus"), "Mars/Olympus"),
        (Budget(limit="1", unit="USD", zone="../etc/passwd"), "passwd"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(budget: Budget, said: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(SettingsError, match=said):
        check(budget)


def test_a_right_budget_is_right() -> None:
    """In money and in tokens."""
    check(Budget(limit="12.50", unit="USD", zone="Asia/Shanghai"))
    check(Budget(limit="100000", unit="tokens", period="day"))


def test_each_unit_and_period_is_counted_once() -> None:
    """The smallest hard budget bounds it, and all that warn are told of."""
    found = accounts(
        [
            Scope("organisation", "o"),
            scope(
                Budget(limit="10", unit="USD"),
                Budget(limit="8", unit="USD", mode="warn"),
                Budget(limit="6", unit="USD", mode="warn"),
                Budget(limit="20", unit="USD"),
                Budget(limit="500", unit="tokens", period="day", mode="warn"),
            ),
        ],
        NOW,
    )
    money, tokens = found
    assert (money.unit, money.period, money.limit, money.warns) == ("USD", "month", 10 * 10**9, (6 * 10**9, 8 * 10**9))
    assert (tokens.unit, tokens.period, tokens.limit, tokens.warns) == ("tokens", "day", None, (500,))
    assert money.name != tokens.name
    assert money.spend(5, least=2) == Spend(money.name, 5, at("2026-04-01"), 10 * 10**9, 2)
    assert money.spend(5, likely=3) == Spend(money.name, 5, at("2026-04-01"), 10 * 10**9, likely=3)


def test_the_next_period_is_counted_anew() -> None:
    """Under another name, so that what comes late is not put to it."""
    budget = Budget(limit="10", unit="USD", period="day")
    (today,) = accounts([scope(budget)], NOW)
    (tomorrow,) = accounts([scope(budget)], NOW + 86_400)
    assert today.name != tomorrow.name
    assert tomorrow.span.start == today.span.until


def test_what_is_used_is_told_with_and_without_a_limit() -> None:
    """As stores tell what remains."""
    hard, soft = accounts(
        [scope(Budget(limit="10", unit="tokens"), Budget(limit="10", unit="tokens", period="day", mode="warn"))], NOW
    )
    assert hard.used(State(2, 3)) == 7
    assert soft.used(State(2, -7)) == 7


def test_a_spent_budget_says_when_the_next_begins() -> None:
    """Whose, how much, what is left; a retry does not help, and it is not the fault of a credential."""
    (account,) = accounts([scope(Budget(limit="12.50", unit="USD"))], NOW)
    error = refusal(account, State(0, 2_000_000, 1000.0, 1000.0), soon=False)
    for words in ("key 'k-1'", "12.5 USD a month", "0.002 USD are left", "2026-04-01 00:00 UTC"):
        assert words in error.message
    assert (error.status, error.code, error.zai_code) == (429, "insufficient_quota", "1308")
    assert (error.retry, error.retry_after_s, error.remedy) == (False, 1000.0, "tell")


def test_what_is_only_reserved_is_soon_free() -> None:
    """Then a retry helps, and the client's program makes it."""
    (account,) = accounts([scope(Budget(limit="1000", unit="tokens"))], NOW)
    error = refusal(account, State(0, 0, 1000.0, 1000.0), soon=True)
    assert (error.code, error.retry, error.retry_after_s) == ("rate_limit_exceeded", True, 1.0)
    assert "1000 tokens a month" in error.message


def test_amounts_are_written_for_people() -> None:
    """Without zeros that say nothing, and never as a power of ten."""
    assert [written(amount, "USD") for amount in (10 * 10**9, 1, 0)] == ["10 USD", "0.000000001 USD", "0 USD"]
    assert written(1000, "tokens") == "1000 tokens"


async def test_without_a_ledger_nothing_was_spent() -> None:
    """Nobody knows of anything."""
    assert await NullPast().spent(scope(), "USD", Span(0, 1)) == 0


@pytest.fixture
def no_zones_of_the_machine() -> Iterator[None]:
    """As in a slim image."""
    before = TZPATH
    reset_tzpath(to=())
    ZoneInfo.clear_cache()
    yield
    reset_tzpath(to=before)
    ZoneInfo.clear_cache()


@pytest.mark.usefixtures("no_zones_of_the_machine")
def test_zones_are_known_where_the_machine_knows_none() -> None:
    """They are installed with the program."""
    for zone in ZONES:
        assert checked(Terms(budgets=(Budget(limit="3", unit="CNY", period="day", zone=zone),))).budgets[0].zone == zone
