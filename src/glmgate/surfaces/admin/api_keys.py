"""The keys of projects, and administrators' keys."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final, Literal

from glmgate.errors import InvalidRequest, ObjectNotFound
from glmgate.gateway.administration import Administration
from glmgate.policy.interfaces import OF_CLIENTS, Wanted
from glmgate.policy.keyring import KeyChange, KeyOrder
from glmgate.policy.keys import Key
from glmgate.policy.pages import Page
from glmgate.surfaces.admin import objects
from glmgate.surfaces.admin.bodies import KeyUpdate, NewKey, read_body, terms_in
from glmgate.surfaces.admin.query import Listed, read_query
from glmgate.surfaces.exchange import Exchange

_OF_ADMINISTRATORS: Final = Wanted(kinds=("admin",), revoked=False)


class ListedKeys(Listed, frozen=True, kw_only=True):
    """Which keys of a project. A service account that is gone has taken its keys with it, so all owners are active."""

    owner_project_access: Literal["active", "inactive", "any"] = "any"


class ListedAdminKeys(Listed, frozen=True, kw_only=True):
    """Which keys of administrators."""

    order: Literal["asc", "desc"] = "asc"


async def list_keys(exchange: Exchange) -> None:
    """GET projects/{project_id}/api_keys: those that are not revoked."""
    asked = read_query(exchange.request.query, ListedKeys)
    administration = exchange.administration
    project = await administration.directory.project(exchange.params["project_id"])
    wanted = replace(OF_CLIENTS, project=project.id)
    found = await administration.keyring.keys(wanted, Page(after=asked.after, limit=asked.limit + 1))
    if asked.owner_project_access == "inactive":
        found = ()
    owners = {each.id: each for each in await administration.directory.accounts(project.id)}
    await exchange.reply_json(
        objects.listed(found, asked.limit, lambda key: objects.api_key(key, owners.get(key.owner or "")))
    )


async def create(exchange: Exchange) -> None:
    """POST projects/{project_id}/api_keys, which OpenAI has not: the answer alone shows the key, as `value`."""
    body = await read_body(exchange, NewKey)
    administration = exchange.administration
    project = await administration.directory.project(exchange.params["project_id"])
    order = KeyOrder(
        name=body.name, project=project.id, expires_at=ending(body.expires_in_seconds), terms=terms_in(body.glmgate)
    )
    key = await administration.keyring.make(order)
    await exchange.reply_json(objects.api_key(key, None) | {"value": administration.keyring.text(key)})


async def retrieve(exchange: Exchange) -> None:
    """GET projects/{project_id}/api_keys/{api_key_id}."""
    key = await _key(exchange)
    await exchange.reply_json(await _written(exchange.administration, key))


async def update(exchange: Exchange) -> None:
    """POST projects/{project_id}/api_keys/{api_key_id}."""
    body = await read_body(exchange, KeyUpdate)
    key = await _key(exchange)
    wish = KeyChange(name=body.name, expires_at=ending(body.expires_in_seconds), terms=terms_in(body.glmgate))
    changed = await exchange.administration.keyring.change(key.id, wish)
    await exchange.reply_json(await _written(exchange.administration, changed))


async def delete(exchange: Exchange) -> None:
    """DELETE projects/{project_id}/api_keys/{api_key_id}: it is refused within a second."""
    key = await exchange.administration.keyring.revoke((await _key(exchange)).id)
    await exchange.reply_json(objects.deleted("organization.project.api_key", key.id))


async def list_admin(exchange: Exchange) -> None:
    """GET admin_api_keys: those that are not revoked."""
    asked = read_query(exchange.request.query, ListedAdminKeys)
    page = Page(after=asked.after, limit=asked.limit + 1, newest_first=asked.order == "desc")
    found = await exchange.administration.keyring.keys(_OF_ADMINISTRATORS, page)
    await exchange.reply_json(objects.listed(found, asked.limit, objects.admin_key))


async def create_admin(exchange: Exchange) -> None:
    """POST admin_api_keys: the answer alone shows the key, as `value`."""
    body = await read_body(exchange, NewKey)
    ring = exchange.administration.keyring
    order = KeyOrder(
        name=body.name, kind="admin", expires_at=ending(body.expires_in_seconds), terms=terms_in(body.glmgate)
    )
    key = await ring.make(order)
    await exchange.reply_json(objects.admin_key(key) | {"value": ring.text(key)})


async def retrieve_admin(exchange: Exchange) -> None:
    """GET admin_api_keys/{key_id}."""
    await exchange.reply_json(objects.admin_key(await _admin_key(exchange)))


async def delete_admin(exchange: Exchange) -> None:
    """DELETE admin_api_keys/{key_id}: it is refused within a second, also where it has asked for this itself."""
    key = await exchange.administration.keyring.revoke((await _admin_key(exchange)).id)
    await exchange.reply_json(objects.deleted("organization.admin_api_key", key.id))


def ending(seconds: int | None) -> float | None:
    """When a key ends that shall live that long, in Unix seconds."""
    if seconds is not None and seconds < 1:
        raise InvalidRequest(f"A key cannot live {seconds!r} seconds: give 1 or more.", param="expires_in_seconds")
    return None if seconds is None else time.time() + seconds


async def _written(administration: Administration, key: Key) -> dict[str, Any]:
    owner = None if key.owner is None else await administration.directory.account(key.project, key.owner)
    return objects.api_key(key, owner)


async def _key(exchange: Exchange) -> Key:
    key_id, project_id = exchange.params["api_key_id"], exchange.params["project_id"]
    key = await exchange.administration.keyring.key(key_id)
    if key.project != project_id or not OF_CLIENTS.takes(key):
        raise ObjectNotFound(f"There is no key {key_id!r} in project {project_id!r}.", param="api_key_id")
    return key


async def _admin_key(exchange: Exchange) -> Key:
    key_id = exchange.params["key_id"]
    key = await exchange.administration.keyring.key(key_id)
    if not _OF_ADMINISTRATORS.takes(key):
        raise ObjectNotFound(f"There is no administrator's key {key_id!r}.", param="key_id")
    return key
