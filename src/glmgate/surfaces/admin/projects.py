"""Projects and their rates."""

from __future__ import annotations

from glmgate.errors import ObjectNotFound
from glmgate.policy.directory import Wish
from glmgate.policy.pages import Page
from glmgate.surfaces.admin import objects
from glmgate.surfaces.admin.bodies import NewProject, ProjectUpdate, RateLimitUpdate, read_body, terms_in
from glmgate.surfaces.admin.query import Listed, Query, read_query
from glmgate.surfaces.exchange import Exchange


class ListedProjects(Listed, frozen=True, kw_only=True):
    """Which projects."""

    include_archived: bool = False


class ListedRates(Query, frozen=True, kw_only=True):
    """Which rates; there is one for a project."""

    after: str | None = None
    before: str | None = None
    limit: int = 100


async def list_projects(exchange: Exchange) -> None:
    """GET projects."""
    asked = read_query(exchange.request.query, ListedProjects)
    page = Page(after=asked.after, limit=asked.limit + 1)
    found = await exchange.administration.directory.projects(page, archived=asked.include_archived)
    await exchange.reply_json(objects.listed(found, asked.limit, objects.project))


async def create(exchange: Exchange) -> None:
    """POST projects."""
    body = await read_body(exchange, NewProject)
    wish = Wish(name=body.name, terms=terms_in(body.glmgate))
    await exchange.reply_json(objects.project(await exchange.administration.directory.create_project(wish)))


async def retrieve(exchange: Exchange) -> None:
    """GET projects/{project_id}."""
    found = await exchange.administration.directory.project(exchange.params["project_id"])
    await exchange.reply_json(objects.project(found))


async def update(exchange: Exchange) -> None:
    """POST projects/{project_id}."""
    body = await read_body(exchange, ProjectUpdate)
    wish = Wish(name=body.name, terms=terms_in(body.glmgate))
    changed = await exchange.administration.directory.change_project(exchange.params["project_id"], wish)
    await exchange.reply_json(objects.project(changed))


async def archive(exchange: Exchange) -> None:
    """POST projects/{project_id}/archive: its keys are refused within a second."""
    closed = await exchange.administration.directory.archive_project(exchange.params["project_id"])
    await exchange.reply_json(objects.project(closed))


async def list_rates(exchange: Exchange) -> None:
    """GET projects/{project_id}/rate_limits: one, which all models share."""
    asked = read_query(exchange.request.query, ListedRates)
    found = await exchange.administration.directory.project(exchange.params["project_id"])
    is_passed = objects.rate_limit_id(found.id) in {asked.after, asked.before}
    await exchange.reply_json(objects.listed([] if is_passed else [found], 1, objects.rate_limit))


async def update_rate(exchange: Exchange) -> None:
    """POST projects/{project_id}/rate_limits/{rate_limit_id}."""
    project_id, rate_id = exchange.params["project_id"], exchange.params["rate_limit_id"]
    body = await read_body(exchange, RateLimitUpdate)
    if rate_id != objects.rate_limit_id(project_id):
        raise ObjectNotFound(
            f"There is no rate limit {rate_id!r}: a project has one, {objects.rate_limit_id(project_id)!r}.",
            param="rate_limit_id",
        )
    given = {"rpm": body.max_requests_per_1_minute, "tpm": body.max_tokens_per_1_minute}
    wish = Wish(terms={name: _rate(value) for name, value in given.items() if value is not None})
    directory = exchange.administration.directory
    changed = await directory.change_project(project_id, wish, action="rate_limit.updated")
    await exchange.reply_json(objects.rate_limit(changed))


def _rate(value: int) -> int | None:
    """What was read as "no limit" is sent back as that."""
    return None if value == objects.NO_LIMIT else value
