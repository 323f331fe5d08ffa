"""The accounts, opened for one command, in the hands of who runs it; and how lists of them are shown."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from glmgate.cli.options import read
from glmgate.storage.accounts import Accounts, open_accounts

T = TypeVar("T")
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON with all there is.")
_ACTOR_LENGTH: Final = 64


def with_accounts(home: Path | None, config: Path | None, work: Callable[[Accounts], Awaitable[T]]) -> T:
    """What `work` answers. What it changes stands in the audit log under the name of who runs the command."""
    settings = read(home, config, secrets=False)

    async def run() -> T:
        accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
        try:
            return await work(accounts.acting(actor()))
        finally:
            await accounts.aclose()

    return asyncio.run(run())


def actor() -> str:
    """Who runs the command, by the system's word and not by the environment's: `cli:` and the user's name."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        name = str(os.getuid())
    return f"cli:{name}"[:_ACTOR_LENGTH]


def show_json(value: object) -> None:
    """Print a value."""
    click.echo(json.dumps(value, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows with their columns aligned; the first is the head."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def date(seconds: float) -> str:
    """A time for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def sheet(facts: dict[str, Any]) -> str:
    """One subject: a line for each fact that is known."""
    said = {name.replace("_", " "): _said(value) for name, value in facts.items() if value not in (None, {}, [], ())}
    width = max(map(len, said), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in said.items())


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
