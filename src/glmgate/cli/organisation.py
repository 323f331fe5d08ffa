"""`glmgate organisation`: show and change what holds for everybody.

What is right and wrong is decided in `policy`; here it is asked for and printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from glmgate.cli.accounts import AS_JSON, date, sheet, show_json, with_accounts
from glmgate.cli.options import place
from glmgate.cli.terms import shown, with_unset
from glmgate.errors import InvalidRequest
from glmgate.policy.directory import Wish
from glmgate.policy.organisation import Organisation
from glmgate.policy.terms import plain
from glmgate.storage.accounts import Accounts


@click.group("organisation")
def command() -> None:
    """Show and change what holds for all projects and keys."""


@command.command()
@AS_JSON
@place
def show(home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Show the organisation and its terms."""

    async def work(accounts: Accounts) -> Organisation:
        return await accounts.directory.organisation()

    _show(with_accounts(home, config, work), as_json=as_json)


@command.command()
@click.option("--name", help="What the organisation is called.")
@with_unset
@AS_JSON
@place
def update(name: str | None, terms: dict[str, Any], home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Change the organisation's name or terms; running servers follow within a second."""
    if name is None and not terms:
        raise InvalidRequest("Nothing was given to change: `glmgate organisation update --help` lists what can be.")

    async def work(accounts: Accounts) -> Organisation:
        return await accounts.directory.change_organisation(Wish(name=name, terms=terms))

    _show(with_accounts(home, config, work), as_json=as_json)


def _show(found: Organisation, *, as_json: bool) -> None:
    if as_json:
        show_json({"id": found.id, "name": found.name, "created_at": found.created_at, "terms": plain(found.terms)})
    else:
        facts = {"id": found.id, "name": found.name, "created": date(found.created_at)}
        click.echo(sheet(facts | shown(found.terms)))
