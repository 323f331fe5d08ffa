"""`glmgate keys`: create, list, show, rotate and revoke the keys that clients use.

What becomes of a key is decided in `policy`; here it is asked for and printed. Standard output holds only the answer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from glmgate.cli.options import place, read
from glmgate.policy.keyring import Keyring
from glmgate.policy.keys import Key
from glmgate.storage.accounts import open_accounts

_T = TypeVar("_T")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object with all there is.")


@click.group("keys")
def command() -> None:
    """Make and manage the keys that clients use."""


@command.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Days until it expires [never].")
@_JSON
@place
def create(name: str, days: float | None, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Make a key and print it, alone."""
    expires_at = None if days is None else time.time() + days * 86400

    async def work(ring: Keyring) -> None:
        key = await ring.create(name, expires_at=expires_at)
        _print(ring, key, as_json=as_json)

    _with_keyring(home, config, work)


@command.command("list")
@_JSON
@place
def list_(home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """List ids, names and states, never secrets."""
    keys = _with_keyring(home, config, Keyring.keys)
    if as_json:
        click.echo(json.dumps([_facts(key) for key in keys], ensure_ascii=False))
        return
    if not keys:
        click.echo("There is no key yet: `glmgate keys create --name NAME` makes one.", err=True)
        return
    now = time.time()
    rows = [(key.id, key.name, _date(key.created_at), _state(key, now)) for key in keys]
    click.echo(_table([("ID", "NAME", "CREATED", "STATE"), *rows]))


@command.command()
@click.argument("key_id", metavar="ID")
@_JSON
@place
def show(key_id: str, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Print a key again."""

    async def work(ring: Keyring) -> None:
        _print(ring, await ring.key(key_id), as_json=as_json)

    _with_keyring(home, config, work)


@command.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap", type=click.FloatRange(min=0), default=0.0, help="Seconds that the old secret stays good [0]."
)
@_JSON
@place
def rotate(key_id: str, overlap: float, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Give a key a new secret and print it."""

    async def work(ring: Keyring) -> None:
        _print(ring, await ring.rotate(key_id, overlap_s=overlap), as_json=as_json)

    _with_keyring(home, config, work)


@command.command()
@click.argument("key_id", metavar="ID")
@_JSON
@place
def revoke(key_id: str, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Refuse a key from now on; running servers do within a second."""

    async def work(ring: Keyring) -> Key:
        return await ring.revoke(key_id)

    key = _with_keyring(home, config, work)
    click.echo(json.dumps(_facts(key), ensure_ascii=False) if as_json else f"Key {key.id} is revoked.")


def _with_keyring(home: Path | None, config: Path | None, work: Callable[[Keyring], Awaitable[_T]]) -> _T:
    settings = read(home, config, secrets=False)

    async def run() -> _T:
        accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
        try:
            return await work(accounts.keyring)
        finally:
            await accounts.aclose()

    return asyncio.run(run())


def _print(ring: Keyring, key: Key, *, as_json: bool) -> None:
    text = ring.text(key)
    state = key.state(time.time())
    if state != "live":
        click.echo(f"This key is {state}.", err=True)
    click.echo(json.dumps({**_facts(key), "key": text}, ensure_ascii=False) if as_json else text)


def _facts(key: Key) -> dict[str, Any]:
    """What everybody may see of a key. Times are Unix seconds."""
    return {
        "id": key.id,
        "name": key.name,
        "organisation": key.organisation,
        "project": key.project,
        "generation": key.generation,
        "state": key.state(time.time()),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _state(key: Key, now: float) -> str:
    state = key.state(now)
    if state == "live" and key.expires_at is not None:
        return f"live until {_date(key.expires_at)}"
    return state


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
