"""`glmgate reprice`: charges what is in the ledger by the prices that the settings have now.

What other prices make of an attempt is decided in `policy.repricing`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from glmgate.cli.accounts import actor
from glmgate.cli.ledger import money, with_ledger
from glmgate.cli.options import place
from glmgate.cli.period import period, span
from glmgate.policy.ledger import Amount
from glmgate.settings import Settings
from glmgate.storage.database import Database
from glmgate.storage.history import Change, History


@click.command("reprice")
@period
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@place
def command(
    *,
    since: date | None,
    until: date | None,
    month: date | None,
    dry_run: bool,
    home: Path | None,
    config: Path | None,
) -> None:
    """Charge past calls by the [[prices]] of the settings, each by the price of its day; tokens stay.

    Calls of this month, unless another time is said. Those that no price is known for keep what they have. A server
    may run meanwhile; sums change with their rows, and the audit log says who did it.
    """
    start, end = span(since, until, month)

    async def work(database: Database, settings: Settings) -> tuple[Change, ...]:
        history = History(database)
        if dry_run:
            return await history.repriced(start, end, settings.prices)
        return await history.reprice(start, end, settings.prices, actor=actor())

    changes = with_ledger(home, config, work)
    if not changes:
        click.echo("Every call has the price that the settings say.")
        return
    for change in changes:
        click.echo(f"{change.place}: {change.attempts:,} calls, {_said(change.before)} -> {_said(change.after)}")
    click.echo("Nothing was changed (--dry-run)." if dry_run else "Changed.")


def _said(amounts: tuple[Amount, ...]) -> str:
    return " + ".join(map(money, amounts)) if amounts else "no price"
