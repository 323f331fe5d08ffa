"""Keys with terms, for tests of the whole chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glmgate.wire.terms import Terms
from tests.contract.stage import Stage


async def with_terms(stage: Stage, *, admin: bool = False, **terms: Any) -> Stage:
    """The same gateway for a new key with these terms."""
    accounts = stage.app.accounts
    assert accounts is not None
    made = await accounts.keyring.create("test")
    changed = replace(made, terms=Terms(**terms), kind="admin" if admin else "user")
    assert await accounts.store.replace(made, changed)
    return Stage(stage.port, stage.app, accounts.keyring.text(changed))
