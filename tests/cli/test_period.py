"""The time that --since, --until and --month mean: whole days of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click
import pytest
from click.testing import CliRunner

from glmgate.cli.period import period, span

NOW = datetime(2026, 11, 28, 19, 30, tzinfo=UTC).timestamp()


def days(begin: str, end: str) -> tuple[float, float]:
    """From the beginning of one day to the beginning of another."""
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in (begin, end))
    return first, last


@pytest.mark.parametrize(
    ("since", "until", "month", "expected"),
    [
        (None, None, None, ("2026-11-01", "2026-11-29")),
        ("2026-11-20", None, None, ("2026-11-20", "2026-11-29")),
        ("2026-09-20", "2026-10-02", None, ("2026-09-20", "2026-10-03")),
        (None, "2026-10-02", None, ("2026-10-01", "2026-10-03")),
        ("2027-01-01", None, None, ("2027-01-01", "2027-01-02")),
        (None, None, "2026-02-01", ("2026-02-01", "2026-03-01")),
        (None, None, "2026-12-01", ("2026-12-01", "2027-01-01")),
    ],
)
def test_days_are_whole(since: str | None, until: str | None, month: str | None, expected: tuple[str, str]) -> None:
    """The last day belongs to it; this month where nothing is said."""
    given = [None if day is None else date.fromisoformat(day) for day in (since, until, month)]
    assert span(*given, now=NOW) == days(*expected)


def test_what_contradicts_itself_is_refused() -> None:
    """A month beside days, and an end before its beginning."""
    first, last = date(2026, 11, 1), date(2026, 11, 2)
    with pytest.raises(click.UsageError, match="give it alone"):
        span(first, None, first, now=NOW)
    with pytest.raises(click.UsageError, match="--since 2026-11-02 is after --until 2026-11-01"):
        span(last, first, None, now=NOW)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday"], "'yesterday' is not a day such as 2026-11-30."),
        (["--until", "2026-02-30"], "'2026-02-30' is not a day"),
        (["--month", "2026-13"], "'2026-13' is not a month such as 2026-11."),
        (["--month", "2026-11-01"], "'2026-11-01' is not a month"),
    ],
)
def test_what_is_no_day_is_told(arguments: list[str], message: str) -> None:
    """With what it would look like."""

    @click.command()
    @period
    def command(**_: date | None) -> None:
        """Never run."""

    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, message in result.output) == (2, True)
