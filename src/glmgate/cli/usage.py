"""`glmgate usage`: what was used and what it cost, by day, model, key and whatever else requests have in common.

What can be asked is `policy.usage`, how it is shown `usage_shown`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final, get_args

import click

from glmgate.cli.ledger import with_ledger
from glmgate.cli.options import place
from glmgate.cli.period import Period, period, span
from glmgate.cli.usage_shown import Shown, as_csv, as_json, as_table
from glmgate.policy.usage import OF_ATTEMPTS, Dimension, UsageQuery, UsageRow, Width
from glmgate.storage.database import Database
from glmgate.storage.organisations import SqlAccountStore
from glmgate.storage.reports import SqlReports

_TIMES: Final[dict[str, Width]] = {"hour": "1h", "day": "1d"}
_BY: Final = (*_TIMES, *get_args(Dimension))


@click.command("usage")
@period
@click.option(
    "--by", "by", type=click.Choice(_BY), multiple=True, help="What to sum by; may be given several times [day]."
)
@click.option("--organisation", multiple=True, metavar="ID", help="Only what belongs to it.")
@click.option("--project", multiple=True, metavar="ID", help="Only what belongs to it.")
@click.option("--key", multiple=True, metavar="ID", help="Only what was asked with it.")
@click.option("--model", multiple=True, metavar="NAME", help="Only what it answered.")
@click.option("--json", "json_", is_flag=True, help="Print a JSON object.")
@click.option("--csv", "csv_", is_flag=True, help="Print CSV.")
@place
def command(
    *,
    since: date | None,
    until: date | None,
    month: date | None,
    by: tuple[str, ...],
    organisation: tuple[str, ...],
    project: tuple[str, ...],
    key: tuple[str, ...],
    model: tuple[str, ...],
    json_: bool,
    csv_: bool,
    home: Path | None,
    config: Path | None,
) -> None:
    """Show tokens and money, by day of this month unless something else is said.

    Sums by `ending` are of requests, as clients saw them; all others are of the calls that were made for them, which
    is what services bill. A ~ stands before sums of which a part is estimated.
    """
    if json_ and csv_:
        raise click.UsageError("--json or --csv: give one of them.")
    only: dict[Dimension, tuple[str, ...]] = {
        "organisation": organisation, "project": project, "key": key, "model": model
    }  # fmt: skip
    chosen = tuple(dict.fromkeys(by or ("day",)))
    query = _query(span(since, until, month), chosen, only)
    shown = with_ledger(home, config, lambda database, _: _asked(database, query, chosen))
    if json_ or csv_:
        click.echo(as_json(shown) if json_ else as_csv(shown), nl=not csv_)
    else:
        _show(shown)


def _query(when: Period, by: tuple[str, ...], only: Mapping[Dimension, tuple[str, ...]]) -> UsageQuery:
    """What is asked of the ledger."""
    times = [name for name in by if name in _TIMES]
    if len(times) > 1:
        raise click.UsageError("--by hour and --by day: give one of them.")
    return UsageQuery(
        *when,
        _TIMES[times[0]] if times else "all",
        tuple(name for name in get_args(Dimension) if name in by),
        {name: values for name, values in only.items() if values},
    )


def _show(shown: Shown) -> None:
    """Print the table, or that there is nothing."""
    if not shown.rows:
        click.echo("Nothing was asked in that time.", err=True)
        return
    block = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    click.echo(as_table(shown, columns=shutil.get_terminal_size().columns, block=block))


async def _asked(database: Database, query: UsageQuery, by: tuple[str, ...]) -> Shown:
    reports = SqlReports(database)
    of_attempts = all(name in OF_ATTEMPTS for name in query.group_by)
    rows: tuple[UsageRow, ...] = await (reports.attempts(query) if of_attempts else reports.requests(query))
    keys = await SqlAccountStore(database).look(lambda rows: rows.keys()) if "key" in by else ()
    return Shown(
        start=query.start,
        end=query.end,
        by=by,
        rows=rows,
        of="attempts" if of_attempts else "requests",
        key_names={key.id: key.name for key in keys},
    )
