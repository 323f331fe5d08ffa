"""Service accounts: programs that have keys of their own."""

from __future__ import annotations

from glmgate.errors import InvalidRequest
from glmgate.policy.keyring import KeyOrder
from glmgate.policy.pages import Page
from glmgate.surfaces.admin import objects
from glmgate.surfaces.admin.api_keys import ending
from glmgate.surfaces.admin.bodies import NewServiceAccount, NewServiceKey, ServiceAccountUpdate, read_body, terms_in
from glmgate.surfaces.admin.query import Listed, read_query
from glmgate.surfaces.exchange import Exchange


async def list_accounts(exchange: Exchange) -> None:
    """GET projects/{project_id}/service_accounts."""
    asked = read_query(exchange.request.query, Listed)
    page = Page(after=asked.after, limit=asked.limit + 1)
    found = await exchange.administration.directory.accounts(exchange.params["project_id"], page)
    await exchange.reply_json(objects.listed(found, asked.limit, objects.service_account))


async def create(exchange: Exchange) -> None:
    """POST projects/{project_id}/service_accounts: the answer alone shows the first key, as `api_key.value`."""
    body = await read_body(exchange, NewServiceAccount)
    order = KeyOrder(name=body.name, expires_at=ending(body.expires_in_seconds), terms=terms_in(body.glmgate))
    only = body.create_service_account_only is True
    if only and (body.expires_in_seconds is not None or body.glmgate is not None):
        raise InvalidRequest(
            "'create_service_account_only' makes no key that could end or have terms.",
            param="create_service_account_only",
        )
    administration = exchange.administration
    account, key = await administration.directory.create_account(
        exchange.params["project_id"], body.name, key=None if only else order
    )
    shown = None if key is None else objects.service_key(key, administration.keyring.text(key))
    await exchange.reply_json(objects.service_account(account) | {"api_key": shown})


async def retrieve(exchange: Exchange) -> None:
    """GET projects/{project_id}/service_accounts/{service_account_id}."""
    found = await exchange.administration.directory.account(*_ids(exchange))
    await exchange.reply_json(objects.service_account(found))


async def update(exchange: Exchange) -> None:
    """POST projects/{project_id}/service_accounts/{service_account_id}."""
    body = await read_body(exchange, ServiceAccountUpdate)
    if body.role not in {None, "member"}:
        raise InvalidRequest(f"The role of a service account is 'member', not {body.role!r}.", param="role")
    directory = exchange.administration.directory
    found = await directory.account(*_ids(exchange))
    changed = await directory.change_account(*_ids(exchange), name=found.name if body.name is None else body.name)
    await exchange.reply_json(objects.service_account(changed))


async def delete(exchange: Exchange) -> None:
    """DELETE projects/{project_id}/service_accounts/{service_account_id}: its keys are refused within a second."""
    project_id, account_id = _ids(exchange)
    await exchange.administration.directory.delete_account(project_id, account_id)
    await exchange.reply_json(objects.deleted("organization.project.service_account", account_id))


async def create_key(exchange: Exchange) -> None:
    """POST projects/{project_id}/service_accounts/{service_account_id}/api_keys: shows the key, as `value`."""
    body = await read_body(exchange, NewServiceKey)
    administration = exchange.administration
    account = await administration.directory.account(*_ids(exchange))
    order = KeyOrder(
        name=account.name if body.name is None else body.name,
        expires_at=ending(body.expires_in_seconds),
        terms=terms_in(body.glmgate),
    )
    key = await administration.directory.create_account_key(*_ids(exchange), order)
    await exchange.reply_json(objects.service_key(key, administration.keyring.text(key)))


def _ids(exchange: Exchange) -> tuple[str, str]:
    return exchange.params["project_id"], exchange.params["service_account_id"]
