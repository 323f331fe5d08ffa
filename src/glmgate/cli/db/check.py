"""`glmgate db check`: says how the database is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from glmgate.cli.db.opened import with_database
from glmgate.cli.options import place, read
from glmgate.cli.progress import size
from glmgate.storage.condition import Condition, condition
from glmgate.storage.database import Database


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@place
def command(home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Say which schema the database has, whether it is whole, and how large it is. Changes nothing.

    Exit status 1 when something is wrong with it, be it a row of the audit log. Every table is read, which takes its
    time on a large one.
    """

    async def work(database: Database) -> tuple[str, Condition]:
        return str(database), await database.read(partial(condition, database))

    where, found = with_database(read(home, config, secrets=False), work)
    if as_json:
        click.echo(json.dumps({"url": where, **dataclasses.asdict(found)}, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(where, found)))
    if found.faults:
        raise SystemExit(1)


def _lines(where: str, found: Condition) -> Iterator[str]:
    yield f"Database   {where}"
    yield f"Schema     {found.revision or 'none: it is empty'}; {_fits(found)}"
    yield f"Size       {size(found.size_bytes)}"
    for table, count in found.rows.items():
        yield f"           {table}: {count:,}"
    for fault in found.faults:
        yield f"WRONG      {fault}"
    if not found.faults:
        yield "The database is whole."


def _fits(found: Condition) -> str:
    if found.revision == found.program:
        return f"the newest; programs that know {found.oldest or found.revision} can work with it"
    if found.revision is None:
        return "the next start makes its tables"
    if found.revision < found.program:
        how = "`glmgate db upgrade`" if found.kind == "postgresql" else "the next start, or `glmgate db upgrade`,"
        return f"{how} brings it to {found.program}"
    needed = found.oldest or found.revision
    said = "can" if needed <= found.program else "cannot"
    return (
        f"a newer program's, for those that know {needed}; this one, which knows {found.program}, {said} work with it"
    )
