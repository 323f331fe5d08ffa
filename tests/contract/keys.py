"""Keys with terms, for tests of the whole chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glmgate.policy.keys import Key
from glmgate.storage.accounts import Accounts
from glmgate.wire.terms import Terms
from tests.contract.stage import Stage
from tests.fakes.accounts import put


async def made(accounts: Accounts, *, admin: bool = False, **terms: Any) -> Key:
    """A new key with these terms, whatever they are."""
    plain = await accounts.keyring.create("test")
    key = replace(plain, terms=Terms(**terms), kind="admin" if admin else "user")
    await put(accounts.store, key)
    return key


async def with_terms(stage: Stage, *, admin: bool = False, **terms: Any) -> Stage:
    """The same gateway for a new key with these terms."""
    accounts = stage.app.accounts
    assert accounts is not None
    return Stage(stage.port, stage.app, accounts.keyring.text(await made(accounts, admin=admin, **terms)))
