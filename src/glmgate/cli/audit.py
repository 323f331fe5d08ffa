"""`glmgate audit`: reads the audit log, and proves that nobody has changed it.

How rows follow each other is decided in `policy.audit`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
import msgspec

from glmgate.cli.accounts import AS_JSON, date, show_json, table, with_accounts
from glmgate.cli.options import place
from glmgate.policy.audit import Entry, Verifier
from glmgate.policy.audit_reading import verified
from glmgate.storage.accounts import Accounts


@click.group("audit")
def command() -> None:
    """Read and verify the log of administrative acts."""


@command.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=100, help="How many rows, from the last one back [100].")
@AS_JSON
@place
def list_(limit: int, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """List acts, the newest first: who, when, what, and with --json what was before and after."""

    async def work(accounts: Accounts) -> tuple[Entry, ...]:
        return await accounts.audit.newest(limit=limit)

    entries = with_accounts(home, config, work)
    if as_json:
        show_json([_facts(entry) for entry in entries])
        return
    rows = [(str(entry.seq), date(entry.at), entry.actor, entry.action, entry.subject) for entry in entries]
    click.echo(table([("ROW", "TIME", "WHO", "ACT", "SUBJECT"), *rows]))


@command.command()
@click.option("--head", metavar="DIGEST", help="A digest that `verify` has shown before: its row must still be there.")
@AS_JSON
@place
def verify(head: str | None, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Check that no row was changed, taken out or put in. Exit status 1, with the first row that is wrong, otherwise.

    That the end was not cut is proved by --head alone: keep what this prints in another place.
    """
    verifier = Verifier(head)

    async def work(accounts: Accounts) -> None:
        await verified(accounts.audit, verifier)

    with_accounts(home, config, work)
    broken = verifier.end()
    if as_json:
        said = None if broken is None else dataclasses.asdict(broken)
        show_json({"ok": broken is None, "entries": verifier.entries, "head": verifier.head, "broken": said})
    elif broken is None:
        click.echo(f"{verifier.entries} rows are as they were written.\nHead: {verifier.head}")
    else:
        click.echo(f"Row {broken.seq} is wrong: {broken.why}.", err=True)
    if broken is not None:
        raise SystemExit(1)


def _facts(entry: Entry) -> dict[str, Any]:
    """A row, with what was before and after as JSON and not as text."""
    states = {
        name: None if text is None else msgspec.json.decode(text)
        for name, text in (("before", entry.before), ("after", entry.after))
    }
    return dataclasses.asdict(entry) | states
