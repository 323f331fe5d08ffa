"""`glmgate keys`: create, list, show, change, rotate and revoke the keys that clients use.

What becomes of a key is decided in `policy`; here it is asked for and printed. Standard output holds only the answer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from glmgate.cli.accounts import AS_JSON, date, show_json, table, with_accounts
from glmgate.cli.options import place
from glmgate.cli.terms import expiry, shown, with_terms, with_unset
from glmgate.errors import InvalidRequest
from glmgate.policy.interfaces import Wanted
from glmgate.policy.keyring import KeyChange, KeyOrder, Keyring
from glmgate.policy.keys import Key
from glmgate.policy.organisation import DEFAULT
from glmgate.policy.terms import plain
from glmgate.storage.accounts import Accounts


@click.group("keys")
def command() -> None:
    """Make and manage the keys that clients use."""


@command.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option("--project", default=DEFAULT, help="The id of its project [default].")
@click.option("--admin", is_flag=True, help="A key for the administration; it asks no model.")
@click.option("--service", is_flag=True, help="Make a service account of that name, and this its first key.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Days until it expires [never].")
@click.option("--expires", metavar="WHEN", help="When it expires: 2027-01-31, 2027-01-31T18:00, 30d, 12h [never].")
@with_terms
@AS_JSON
@place
def create(
    name: str,
    project: str,
    days: float | None,
    expires: str | None,
    terms: dict[str, Any],
    home: Path | None,
    config: Path | None,
    *,
    admin: bool,
    service: bool,
    as_json: bool,
) -> None:
    """Make a key and print it, alone."""
    if admin and service:
        raise click.UsageError("A key is an administrator's (--admin) or a service account's (--service), not both.")
    order = KeyOrder(
        name=name,
        project=project,
        kind="admin" if admin else "user",
        expires_at=expiry(expires, days=days),
        terms=terms,
    )

    async def work(accounts: Accounts) -> None:
        if service:
            _, key = await accounts.directory.create_account(project, name, key=order)
            assert key is not None
        else:
            key = await accounts.keyring.make(order)
        _print(accounts.keyring, key, as_json=as_json)

    with_accounts(home, config, work)


@command.command("list")
@click.option("--project", help="Only keys of this project.")
@AS_JSON
@place
def list_(project: str | None, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """List ids, names and states, never secrets."""

    async def work(accounts: Accounts) -> tuple[Key, ...]:
        return await accounts.keyring.keys(Wanted(project=project))

    keys = with_accounts(home, config, work)
    if as_json:
        show_json([_facts(key) for key in keys])
        return
    if not keys:
        click.echo("There is no key yet: `glmgate keys create --name NAME` makes one.", err=True)
        return
    now = time.time()
    rows = [(key.id, key.name, key.project, key.kind, date(key.created_at), _state(key, now)) for key in keys]
    click.echo(table([("ID", "NAME", "PROJECT", "KIND", "CREATED", "STATE"), *rows]))


@command.command()
@click.argument("key_id", metavar="ID")
@AS_JSON
@place
def show(key_id: str, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Print a key again; --json tells all that is known of it."""

    async def work(accounts: Accounts) -> None:
        _print(accounts.keyring, await accounts.keyring.key(key_id), as_json=as_json)

    with_accounts(home, config, work)


@command.command()
@click.argument("key_id", metavar="ID")
@click.option("--name", help="What the key is for.")
@click.option("--expires", metavar="WHEN", help="When it expires, as for create; `never`: it does not.")
@with_unset
@AS_JSON
@place
def update(
    key_id: str,
    name: str | None,
    expires: str | None,
    terms: dict[str, Any],
    home: Path | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    """Change a key's name, end or terms; running servers follow within a second."""
    lasts = expires == "never"
    wish = KeyChange(name=name, expires_at=None if lasts else expiry(expires), lasts=lasts, terms=terms)
    if wish == KeyChange(terms={}):
        raise InvalidRequest("Nothing was given to change: `glmgate keys update --help` lists what can be.")

    async def work(accounts: Accounts) -> Key:
        return await accounts.keyring.change(key_id, wish)

    _tell(with_accounts(home, config, work), "changed", as_json=as_json)


@command.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap", type=click.FloatRange(min=0), default=0.0, help="Seconds that the old secret stays good [0]."
)
@AS_JSON
@place
def rotate(key_id: str, overlap: float, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Give a key a new secret and print it."""

    async def work(accounts: Accounts) -> None:
        _print(accounts.keyring, await accounts.keyring.rotate(key_id, overlap_s=overlap), as_json=as_json)

    with_accounts(home, config, work)


@command.command()
@click.argument("key_id", metavar="ID")
@AS_JSON
@place
def revoke(key_id: str, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Refuse a key from now on; running servers do within a second."""

    async def work(accounts: Accounts) -> Key:
        return await accounts.keyring.revoke(key_id)

    _tell(with_accounts(home, config, work), "revoked", as_json=as_json)


def _print(ring: Keyring, key: Key, *, as_json: bool) -> None:
    text = ring.text(key)
    state = key.state(time.time())
    if state != "live":
        click.echo(f"This key is {state}.", err=True)
    if as_json:
        show_json({**_facts(key), "key": text})
    else:
        click.echo(text)


def _tell(key: Key, what: str, *, as_json: bool) -> None:
    if as_json:
        show_json(_facts(key))
        return
    said = "; ".join(f"{name} {value}" for name, value in shown(key.terms).items()) if what == "changed" else ""
    click.echo(f"Key {key.id} is {what}{f': {said}' if said else ''}.")


def _facts(key: Key) -> dict[str, Any]:
    """What everybody may see of a key. Times are Unix seconds."""
    return {
        "id": key.id,
        "name": key.name,
        "organisation": key.organisation,
        "project": key.project,
        "kind": key.kind,
        "owner": key.owner,
        "generation": key.generation,
        "state": key.state(time.time()),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "terms": plain(key.terms),
    }


def _state(key: Key, now: float) -> str:
    state = key.state(now)
    if state == "live" and key.expires_at is not None:
        return f"live until {date(key.expires_at)}"
    return state
