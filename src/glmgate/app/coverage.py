"""Looks whether the budgets of all keys bound what the settings' routes can charge. Nothing is started or changed.

What a gap is, is decided in `policy.coverage`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.coverage import Routed, gaps
from glmgate.policy.keys import Key
from glmgate.settings import Settings
from glmgate.settings.models import Model
from glmgate.storage.accounts import open_accounts
from glmgate.storage.opening import is_ready
from glmgate.wire.engine import Place

Checked = Literal["covered", "none", "unready"]
"""What came of it; `none`: there are no keys to look at, `unready`: they cannot be looked at now."""


async def checked_keys(settings: Settings) -> Checked:
    """Look at all live keys. SettingsError where one can be charged in a currency that none of its budgets covers."""
    if not settings.server.auth:
        return "none"
    try:
        if not await is_ready(settings.storage.url):
            return "none"
        accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    except Unavailable:
        return "unready"
    try:
        _check(await accounts.keyring.keys(), settings, time.time())
    finally:
        await accounts.aclose()
    return "covered"


def _check(keys: Iterable[Key], settings: Settings, now: float) -> None:
    routed = [_routed(model) for model in settings.routed]
    asking = [key for key in keys if key.state(now) == "live" and key.kind != "admin"]
    found = [str(gap) for key in asking for gap in gaps(key.scopes, routed, settings.prices, now)]
    if found:
        raise SettingsError("Budgets do not bound what keys can be charged:\n" + "\n".join(f"- {gap}" for gap in found))


def _routed(model: Model) -> Routed:
    places = [
        Place(f"{route.upstream}/{route.model}" if route.upstream else route.model, route.upstream or "", route.model)
        for route in model.routes
    ]
    return Routed((model.name, *model.aliases), places)
