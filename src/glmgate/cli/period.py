"""The time that a command about the ledger looks at: --since, --until and --month, days of UTC.

What is done with it is the command's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

import click
from typing_extensions import override

_Command = TypeVar("_Command", bound=Callable[..., None])

Period = tuple[float, float]
"""From a time to before another, in Unix seconds."""

_DAY: Final = timedelta(days=1)
_MONTH: Final = re.compile(r"\d{4}-\d{2}", re.ASCII)


class _Day(click.ParamType[date]):
    """A day, such as 2026-11-30."""

    name = "date"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2026-11-30.", param, ctx)


class _Month(click.ParamType[date]):
    """A month, such as 2026-11, as its first day."""

    name = "month"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            first = date.fromisoformat(f"{value}-01") if _MONTH.fullmatch(value) else None
        except ValueError:
            first = None
        if first is None:
            self.fail(f"{value!r} is not a month such as 2026-11.", param, ctx)
        return first


def period(command: _Command) -> _Command:
    """The options that say which time is meant."""
    for option in (
        click.option("--month", type=_Month(), metavar="YYYY-MM", help="A month, in place of the two."),
        click.option("--until", type=_Day(), metavar="YYYY-MM-DD", help="The last day [today]."),
        click.option("--since", type=_Day(), metavar="YYYY-MM-DD", help="The first day, UTC [of this month]."),
    ):
        command = option(command)
    return command


def span(since: date | None, until: date | None, month: date | None, *, now: float | None = None) -> Period:
    """From the beginning of the first day to the end of the last one; this month where nothing is said."""
    if month is not None:
        if since is not None or until is not None:
            raise click.UsageError("--month stands for --since and --until: give it alone.")
        return _begin(month), _begin((month.replace(day=28) + timedelta(days=4)).replace(day=1))
    today = datetime.fromtimestamp(time.time() if now is None else now, UTC).date()
    last = until or max(today, since or today)
    first = since or last.replace(day=1)
    if first > last:
        raise click.UsageError(f"--since {first} is after --until {last}.")
    return _begin(first), _begin(last + _DAY)


def _begin(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
