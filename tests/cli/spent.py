"""A home whose ledger has something in it, and the program run there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from glmgate.cli.main import main
from glmgate.policy.keys import Key
from glmgate.policy.ledger import Row
from glmgate.storage.ledger import move
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore
from tests.fakes.accounts import put
from tests.storage.attempts import charge, ended, reserved, settled

SETTINGS = """
[[upstreams]]
name = "zai"
profile = "zai"
base_url = "https://zai.test/api/paas/v4"
credentials = ["env:ZAI_TEST_KEY"]

[[models]]
name = "glm-4.6"
route = [{ upstream = "zai" }]

[[prices]]
model = "glm-4.6"
currency = "USD"
input = 1
output = 2
"""


def at(day: str, hour: int = 12) -> float:
    """A time on a day, UTC."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp()


def spent(number: int, day: str, cost: int | None = 1000, *, ending: str = "completed", **changes: Any) -> list[Row]:
    """A request with one attempt: 10 tokens in, 5 out."""
    told = charge(10, 5, cost, currency=changes.pop("currency", "USD"), estimated=changes.pop("estimated", False))
    when = at(day)
    return [
        reserved(number, at=when, **changes),
        settled(number, at=when + 1, charge=told),
        ended(number, at=when + 1, ending=ending, usage=told.usage, amounts=()),
    ]


class Program:
    """The program with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def put(self, rows: Iterable[Row], *keys: Key) -> None:
        """Fill the ledger, and make keys."""

        async def work() -> None:
            self.home.mkdir(exist_ok=True)
            database = await open_database(f"sqlite:///{self.home}/glmgate.db")
            await database.append(partial(move, batch=list(rows)))
            for key in keys:
                await put(SqlAccountStore(database), key)
            await database.aclose()

        asyncio.run(work())

    def configure(self, text: str = SETTINGS) -> None:
        """Write the settings."""
        self.home.mkdir(exist_ok=True)
        (self.home / "glmgate.toml").write_text(text)

    def run(self, *arguments: str, columns: int = 100) -> Result:
        """Run a command on a terminal of so many columns."""
        return CliRunner().invoke(main, arguments, env={"GLMGATE_HOME": str(self.home), "COLUMNS": str(columns)})

    def said(self, *arguments: str, columns: int = 100) -> str:
        """What a command that succeeds prints on standard output."""
        result = self.run(*arguments, columns=columns)
        assert result.exit_code == 0, result.output
        return result.stdout
