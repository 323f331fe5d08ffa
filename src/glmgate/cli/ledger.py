"""The ledger for commands: opened for one question, and closed again.

What is asked is the command's; a server may run meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from glmgate.cli.options import read
from glmgate.policy.ledger import Amount
from glmgate.policy.prices import decimal_of
from glmgate.settings import Settings
from glmgate.storage.database import Database
from glmgate.storage.master import make_folder
from glmgate.storage.opening import open_database

_T = TypeVar("_T")


def with_ledger(home: Path | None, config: Path | None, work: Callable[[Database, Settings], Awaitable[_T]]) -> _T:
    """What `work` answers on the database of the settings, which is brought up to date."""
    settings = read(home, config, secrets=False)

    async def run() -> _T:
        make_folder(settings.home)
        database = await open_database(settings.storage.url)
        try:
            return await work(database, settings)
        finally:
            await database.aclose()

    return asyncio.run(run())


def money(amount: Amount) -> str:
    """An amount for people: `USD 1.25`, with as many decimals as it needs, and at least two."""
    return f"{amount.currency} {plain_money(amount.amount)}"


def plain_money(nano: int) -> str:
    """The same without the currency."""
    text = f"{decimal_of(nano):f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
