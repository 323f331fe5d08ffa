"""Budgets: how much money or how many tokens may be spent in a day or a month. Pure.

A period is counted for each scope and unit in what the requests have reserved at most, and, when they are over, in
what they have cost. Amounts are whole numbers: tokens, or nano-units of a currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from glmgate.errors import AllowanceReserved, QuotaExhausted, SettingsError
from glmgate.policy.counters import Spend, State
from glmgate.wire.charge import NANO
from glmgate.wire.terms import MOST, TOKENS, Budget, Period, Scope

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A period of a budget: from `start` until before `until`, in Unix seconds."""

    start: float
    until: float


@dataclass(frozen=True, slots=True)
class Account:
    """What is counted for one scope in one period: one unit, and the budgets that bound it.

    `limit` is what may be spent at most (None: only warned of), `warns` at which amounts somebody is told.
    """

    name: str
    scope: Scope
    unit: str
    period: Period
    span: Span
    limit: int | None
    warns: tuple[int, ...] = ()

    def spend(self, amount: int, *, least: int | None = None, likely: int | None = None) -> Spend:
        """The ask of so much of it."""
        return Spend(self.name, amount, self.span.until, self.limit, least, likely)

    def used(self, state: State) -> int:
        """What is used of it, by the state of an ask."""
        return (self.limit or 0) - state.remaining


class Past(Protocol):
    """What was spent before anybody counted: the ledger's sums."""

    async def spent(self, scope: Scope, unit: str, span: Span) -> int:
        """The amount that the scope's attempts that were made in `span` have cost, and have reserved where they run.

        In tokens or nano-units of the currency `unit`. Raises Unavailable where it cannot be told.
        """
        ...

    async def elsewhere(self, scope: Scope, span: Span) -> bool:
        """Whether attempts of other processes, that were made in `span`, are under way. Raises Unavailable."""
        ...


class NullPast:
    """Nothing was spent."""

    async def elsewhere(self, scope: Scope, span: Span) -> bool:  # noqa: ARG002
        """There are no others."""
        return False

    async def spent(self, scope: Scope, unit: str, span: Span) -> int:  # noqa: ARG002
        """Nothing."""
        return 0


def accounts(scopes: Iterable[Scope], now: float) -> list[Account]:
    """What has to be counted for these scopes at the time `now`."""
    return [account for scope in scopes if scope.terms.budgets for account in _current(scope, now)]


def span(period: Period, zone: str, now: float) -> Span:
    """The period that `now` is in. Days begin at midnight of the zone, however long they are."""
    found = _SPANS.get((period, zone))
    if found is None or not found.start <= now < found.until:
        found = _SPANS[period, zone] = _span(period, zone, now)
    return found


def amount_of(budget: Budget) -> int:
    """The limit of a budget in whole numbers. SettingsError where it is no number of that unit."""
    return _amount(budget.limit, budget.unit)


def check(budget: Budget) -> None:
    """SettingsError where a budget cannot be kept: its limit, its unit or its time zone."""
    if budget.unit != TOKENS and not (len(budget.unit) == 3 and budget.unit.isascii() and budget.unit.isupper()):
        raise SettingsError(f"The unit of a budget is {budget.unit!r}: give a currency such as 'USD', or 'tokens'.")
    amount_of(budget)
    _zone(budget.zone)


def refusal(account: Account, state: State, *, soon: bool) -> QuotaExhausted:
    """The error of a budget that is spent: whose it is, how much it is, and when the next period begins.

    `soon`: what is left is only reserved, by requests that are under way and will give most of it back.
    """
    whose = f"{account.scope.level} {account.scope.id!r}"
    limit = written(account.limit or 0, account.unit)
    error: QuotaExhausted
    if soon:
        error = AllowanceReserved(
            f"What is left of the budget of the {whose} ({limit} a {account.period}) is reserved by requests under "
            "way. Try again in a moment.",
            retry_after_s=SOON_S,
        )
    else:
        left = written(state.remaining, account.unit)
        error = QuotaExhausted(
            f"The budget of the {whose} is spent: {limit} a {account.period}, and {left} are left, less than this "
            f"request may cost. The next {account.period} begins at {_moment(account)}.",
            zai_code="1308",
            retry_after_s=state.reset_s,
        )
    error.remedy = "tell"  # it is our limit, and says nothing of a service or its credential
    return error


SOON_S: Final = 1.0


def written(amount: int, unit: str) -> str:
    """An amount for people: `12.5 USD`, `1000 tokens`."""
    if unit == TOKENS:
        return f"{amount} {unit}"
    return f"{(Decimal(amount) / NANO).normalize():f} {unit}"


def _current(scope: Scope, now: float) -> tuple[Account, ...]:
    """The accounts of the periods that `now` is in: made anew when one of them is over."""
    found = _made(scope)
    if found.accounts is None or not all(one.span.start <= now < one.span.until for one in found.accounts):
        found.accounts = tuple(_accounts(scope, now))
    return found.accounts


@dataclass(slots=True)
class _Made:
    accounts: tuple[Account, ...] | None = None


@lru_cache(maxsize=16_384)
def _made(scope: Scope) -> _Made:  # noqa: ARG001 -- the key of the cache
    return _Made()


def _accounts(scope: Scope, now: float) -> Iterable[Account]:
    by_period: dict[tuple[str, Period, str], list[Budget]] = {}
    for budget in scope.terms.budgets:
        by_period.setdefault((budget.unit, budget.period, budget.zone), []).append(budget)
    for (unit, period, zone), budgets in by_period.items():
        found = span(period, zone, now)
        limits = [amount_of(budget) for budget in budgets if budget.mode == "hard"]
        yield Account(
            f"budget:{scope.level}:{scope.id}:{unit}:{period}:{zone}:{int(found.start)}",
            scope,
            unit,
            period,
            found,
            min(limits, default=None),
            tuple(sorted(amount_of(budget) for budget in budgets if budget.mode == "warn")),
        )


_SPANS: dict[tuple[Period, str], Span] = {}
"""The running periods. There are as many as time zones in use."""


def _span(period: Period, zone: str, now: float) -> Span:
    local = datetime.fromtimestamp(now, _zone(zone))
    first = datetime(local.year, local.month, local.day if period == "day" else 1, tzinfo=local.tzinfo)
    if period == "day":
        after = first + _DAY  # by the calendar: a day of 23 or 25 hours ends at midnight too
    else:
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return Span(first.timestamp(), after.timestamp())


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"{name!r} is no time zone: give one such as 'UTC' or 'Asia/Shanghai'.") from None


@lru_cache(maxsize=4096)
def _amount(limit: str, unit: str) -> int:
    try:
        number = Decimal(limit)
        amount = int((number if unit == TOKENS else number * NANO).to_integral_value(ROUND_FLOOR))
    except (InvalidOperation, ValueError, OverflowError):
        raise SettingsError(
            f"The limit of a budget is {limit!r}, it must be a decimal number such as '12.50'."
        ) from None
    if not 0 <= amount <= MOST:
        raise SettingsError(f"The limit of a budget is {limit!r}, it must be from 0 to {written(MOST, unit)}.")
    return amount


def _moment(account: Account) -> str:
    when = datetime.fromtimestamp(account.span.until, ZoneInfo("UTC"))
    return when.strftime("%Y-%m-%d %H:%M UTC")
