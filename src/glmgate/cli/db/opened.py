"""The database that a command works on, as it is: it is neither made nor upgraded.

Errors of ours are told by `cli.main`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from glmgate.cli.progress import Progress
from glmgate.errors import SettingsError
from glmgate.settings import Settings
from glmgate.storage.database import Database

_T = TypeVar("_T")


def with_database(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """What `work` answers. Raises SettingsError where there is no database yet."""

    async def run() -> _T:
        database = Database(settings.storage.url)
        try:
            if database.file is not None and not database.file.exists():
                raise SettingsError(f"There is no database yet: {str(database.file)!r} is made by `glmgate serve`.")
            return await work(database)
        finally:
            await database.aclose()

    return asyncio.run(run())


def watch(amount: Callable[[int], str] | None = None) -> Progress:
    """A watch on standard error."""
    return Progress(line=sys.stderr.isatty(), amount=amount)
