"""`glmgate projects`: make, list, show, change and archive what keys are made for.

What becomes of a project is decided in `policy`; here it is asked for and printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from glmgate.cli.accounts import AS_JSON, date, sheet, show_json, table, with_accounts
from glmgate.cli.options import place
from glmgate.cli.terms import shown, with_terms, with_unset
from glmgate.errors import InvalidRequest
from glmgate.policy.directory import Wish
from glmgate.policy.organisation import Project
from glmgate.policy.terms import plain
from glmgate.storage.accounts import Accounts


@click.group("projects")
def command() -> None:
    """Make and manage projects, which keys belong to."""


@command.command()
@click.option("--name", required=True, help="What the project is called in reports.")
@with_terms
@AS_JSON
@place
def create(name: str, terms: dict[str, Any], home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Make a project and print its id, alone."""

    async def work(accounts: Accounts) -> Project:
        return await accounts.directory.create_project(Wish(name=name, terms=terms))

    project = with_accounts(home, config, work)
    if as_json:
        show_json(_facts(project))
    else:
        click.echo(project.id)


@command.command("list")
@AS_JSON
@place
def list_(home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """List all projects, archived ones too."""

    async def work(accounts: Accounts) -> tuple[Project, ...]:
        return await accounts.directory.projects()

    projects = with_accounts(home, config, work)
    if as_json:
        show_json([_facts(project) for project in projects])
        return
    rows = [
        (project.id, project.name, date(project.created_at), _state(project), _terms(project)) for project in projects
    ]
    click.echo(table([("ID", "NAME", "CREATED", "STATE", "TERMS"), *rows]))


@command.command()
@click.argument("project_id", metavar="ID")
@AS_JSON
@place
def show(project_id: str, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Show a project and its terms."""

    async def work(accounts: Accounts) -> Project:
        return await accounts.directory.project(project_id)

    _show(with_accounts(home, config, work), as_json=as_json)


@command.command()
@click.argument("project_id", metavar="ID")
@click.option("--name", help="What the project is called in reports.")
@with_unset
@AS_JSON
@place
def update(
    project_id: str,
    name: str | None,
    terms: dict[str, Any],
    home: Path | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    """Change a project's name or terms; running servers follow within a second."""
    if name is None and not terms:
        raise InvalidRequest("Nothing was given to change: `glmgate projects update --help` lists what can be.")

    async def work(accounts: Accounts) -> Project:
        return await accounts.directory.change_project(project_id, Wish(name=name, terms=terms))

    _show(with_accounts(home, config, work), as_json=as_json)


@command.command()
@click.argument("project_id", metavar="ID")
@AS_JSON
@place
def archive(project_id: str, home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Close a project for good: its keys are refused; running servers do within a second."""

    async def work(accounts: Accounts) -> Project:
        return await accounts.directory.archive_project(project_id)

    _show(with_accounts(home, config, work), as_json=as_json)


def _show(project: Project, *, as_json: bool) -> None:
    if as_json:
        show_json(_facts(project))
    else:
        facts = {"id": project.id, "name": project.name, "created": date(project.created_at), "state": _state(project)}
        click.echo(sheet(facts | shown(project.terms)))


def _facts(project: Project) -> dict[str, Any]:
    """What everybody may see of a project. Times are Unix seconds."""
    return {
        "id": project.id,
        "name": project.name,
        "organisation": project.organisation,
        "created_at": project.created_at,
        "archived_at": project.archived_at,
        "terms": plain(project.terms),
    }


def _state(project: Project) -> str:
    return "open" if project.archived_at is None else f"archived {date(project.archived_at)}"


def _terms(project: Project) -> str:
    return "; ".join(f"{name} {value}" for name, value in shown(project.terms).items())
