"""Looks whether the budgets of all keys bound what the settings' routes can charge. Nothing is started or changed.

What a gap is, is decided in `policy.coverage`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from glmgate.app.credentials import without_own_keys
from glmgate.app.elsewhere import asked, known
from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.coverage import Routed, gaps, together
from glmgate.policy.keys import Key
from glmgate.settings import Settings
from glmgate.settings.models import Model
from glmgate.storage.accounts import open_accounts
from glmgate.storage.opening import is_ready
from glmgate.wire.engine import Place

Checked = Literal["covered", "none", "unready"]
"""What came of it; `none`: there are no keys to look at, `unready`: they cannot be looked at now."""


async def checked_keys(settings: Settings, local: Collection[str] = ()) -> Checked:
    """Look at all live keys. SettingsError where one can be charged in a currency that none of its budgets covers.

    `local` are the names of the models whose weights are here: services of the environment are not asked for those.
    """
    if not settings.server.auth:
        return "none"
    try:
        if not await is_ready(settings.storage.url):
            return "none"
        accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    except Unavailable:
        return "unready"
    try:
        used = (await without_own_keys(dataclasses.replace(settings, upstreams=()), accounts)).found
        _check(await accounts.keyring.keys(), dataclasses.replace(settings, found=used), time.time(), local)
    finally:
        await accounts.aclose()
    return "covered"


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
