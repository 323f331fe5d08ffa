"""Looks whether the terms of all keys fit the settings: their filters are there, and budgets bound what can be charged.

Nothing is started or changed. What a gap is, is decided in `policy.coverage`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from glmgate.app.credentials import without_own_keys
from glmgate.app.elsewhere import asked, known
from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.coverage import Routed, gaps, together
from glmgate.policy.interfaces import OF_CLIENTS, Rows
from glmgate.policy.keys import Key
from glmgate.settings import Settings
from glmgate.settings.models import Model
from glmgate.storage.accounts import open_accounts
from glmgate.storage.master import FILE_NAME
from glmgate.storage.opening import is_ready
from glmgate.wire.engine import Place
from glmgate.wire.terms import Scope

Checked = Literal["covered", "none", "unready"]
"""What came of it; `none`: there are no keys to look at, `unready`: they cannot be looked at now."""


async def checked_keys(settings: Settings, local: Collection[str] = ()) -> Checked:
    """Look at all live keys. SettingsError where one can be charged in a currency that none of its budgets covers.

    Or where terms of one, of an open project or of the organisation name a filter that the settings do not have.
    `local` are the names of the models whose weights are here: services of the environment are not asked for those.
    """
    if not settings.server.auth:
        return "none"
    try:
        if not await is_ready(settings.storage.url):
            return "none"
        if settings.master_key is None and not (settings.home / FILE_NAME).is_file():
            return "unready"  # opening would make one
        accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    except Unavailable:
        return "unready"
    try:
        used = (await without_own_keys(dataclasses.replace(settings, upstreams=()), accounts)).found
        _check_filters(await accounts.store.look(_scopes), settings.filters.names)
        _check(await accounts.keyring.keys(), dataclasses.replace(settings, found=used), time.time(), local)
    finally:
        await accounts.aclose()
    return "covered"


def _scopes(rows: Rows) -> list[Scope]:
    """Whose terms hold for some request."""
    organisation, now = rows.organisation(), time.time()
    scopes = [Scope("organisation", organisation.id, organisation.terms)]
    scopes += [Scope("project", each.id, each.terms) for each in rows.projects(archived=False)]
    keys = (key for key in rows.keys(OF_CLIENTS) if key.state(now) == "live")
    return scopes + [Scope("key", key.id, key.terms) for key in keys]


def _check_filters(scopes: Iterable[Scope], known: Sequence[str]) -> None:
    lost = [(scope, name) for scope in scopes for name in scope.terms.filters if name not in known]
    if lost:
        listed = "\n".join(f"- the {scope.level} {scope.id!r} names {name!r}" for scope, name in lost)
        raise SettingsError(
            "Terms name filters that the settings do not have, so requests with them are refused. Add them to "
            f"[[filters]], or take them from the terms (known are: {', '.join(known) or 'none'}):\n{listed}"
        )


def _check(keys: Iterable[Key], settings: Settings, now: float, local: Collection[str]) -> None:
    routed = [_routed(model) for model in settings.routed]
    elsewhere = list(_elsewhere(settings, local))
    found: list[str] = []
    for key in keys:
        if key.state(now) == "live" and key.kind != "admin":
            found += map(str, gaps(key.scopes, routed, settings.prices, now))
            found += together(gaps(key.scopes, elsewhere, settings.prices, now), "found in the environment")
    if found:
        raise SettingsError("Budgets do not bound what keys can be charged:\n" + "\n".join(f"- {gap}" for gap in found))


def _elsewhere(settings: Settings, local: Collection[str]) -> Iterator[Routed]:
    """The names that services of the environment answer. One that only a pattern knows is refused when it is asked."""
    here = {name.casefold() for name in local}
    for name, kind in known() if settings.found else ():
        if name.casefold() not in here:
            names = [service.upstream.name for service in asked(settings.found, kind)]
            yield Routed((name,), [Place(f"{service}/{name}", service, name) for service in names])


def _routed(model: Model) -> Routed:
    places = [
        Place(f"{route.upstream}/{route.model}" if route.upstream else route.model, route.upstream or "", route.model)
        for route in model.routes
    ]
    return Routed((model.name, *model.aliases), places)
