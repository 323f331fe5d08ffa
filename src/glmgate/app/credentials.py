"""Keys of our own among the secrets for upstreams: the variables that hold them also hold clients' keys.

Sent on, such a key would show a stranger what opens this server.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glmgate.errors import AuthenticationFailed, SettingsError
from glmgate.policy.credentials import parse
from glmgate.settings import Settings
from glmgate.storage.accounts import Accounts, open_accounts
from glmgate.storage.master import FILE_NAME

_log = logging.getLogger(__name__)


async def without_own_keys(settings: Settings, accounts: Accounts | None) -> Settings:
    """The settings, with no key of ours as a secret for an upstream.

    One in the environment is left out and the log says so; one that a file refers to is a SettingsError.
    """
    if not settings.found and not any(upstream.credentials for upstream in settings.upstreams):
        return settings
    async with _accounts(settings, accounts) as known:
        if known is None:
            return settings
        for upstream in settings.upstreams:
            for credential in upstream.credentials:
                if await _is_own(credential.secret.reveal(), known):
                    raise SettingsError(
                        f"[[upstreams]] {upstream.name!r}: {credential.reference} is a key of this server itself. "
                        "Refer to a key that the service has given out."
                    )
        found = []
        for each in settings.found:
            if await _is_own(each.upstream.credentials[0].secret.reveal(), known):
                _log.warning(
                    "%s holds a key of this server, so it is not used for %s", each.variable, each.upstream.name
                )
            else:
                found.append(each)
        return dataclasses.replace(settings, found=tuple(found))


@asynccontextmanager
async def _accounts(settings: Settings, accounts: Accounts | None) -> AsyncIterator[Accounts | None]:
    """Those that are open, or (`--no-auth`) those that an earlier start has left here; None where there never were."""
    if accounts is not None:
        yield accounts
    elif settings.master_key is None and not (settings.home / FILE_NAME).is_file():
        yield None
    else:
        left = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
        try:
            yield left
        finally:
            await left.aclose()


async def _is_own(text: str, accounts: Accounts) -> bool:
    """Whether the text is a key that was made here, be it revoked, expired or replaced by now."""
    try:
        credential = parse(text)
    except AuthenticationFailed:
        return False
    key = await accounts.store.find(credential.key_id)
    if key is None:
        return False
    generations = range(key.generation + 1)
    return any(credential.proves(accounts.master.derive(key.id, generation)) for generation in generations)
