"""The ledger of a program: what is asked is booked, and what was open is there at the next start."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from glmgate.app.ledger import keeping
from glmgate.policy.usage import UsageQuery
from glmgate.settings import Settings, load
from glmgate.storage.journal import FOLDER
from glmgate.storage.opening import open_database
from glmgate.telemetry.ledger import LedgerNow
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from tests.fakes.engine import call

PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
REQUEST = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="Hello" * 100)], max_tokens=100)


async def settings(home: Path, **flags: Any) -> Settings:
    """The settings of a home whose database is there, as accounts leave it."""
    made = load(environment={}, home=home, flags={("ledger", name): value for name, value in flags.items()})
    await (await open_database(made.storage.url)).aclose()
    return made


async def test_what_is_booked_can_be_asked_for(tmp_path: Path) -> None:
    """By who administers, while the program runs; the journal is gone when it has ended."""
    async with keeping(await settings(tmp_path)) as ledger:
        entry = await ledger.books.reserve(call(books=ledger.books, model="gpt-4o"), PLACE, REQUEST)
        assert len(list((tmp_path / FOLDER).iterdir())) == 2
        entry.whole(Usage(30, 12))
        assert ledger.reports is not None
        async with asyncio.timeout(10):
            while ledger.now().waiting:  # noqa: ASYNC110 -- the writer has no event for it
                await asyncio.sleep(0.01)
        found = await ledger.reports.attempts(UsageQuery(0, 2e9, "all", ("model",)))
        assert (found[0].group, found[0].usage, found[0].unpriced) == ({"model": "glm-4.6"}, Usage(30, 12), 1)
        assert ledger.now().commits >= 1
    assert list((tmp_path / FOLDER).iterdir()) == []


async def test_estimates_are_learned_again_at_a_start(tmp_path: Path) -> None:
    """From what services told before it."""
    made = await settings(tmp_path)
    async with keeping(made) as ledger:
        fresh = ledger.books.estimator.upper("zai", "glm-4.6", 4000, None)
        for _ in range(60):
            entry = await ledger.books.reserve(call(books=ledger.books), PLACE, REQUEST)
            entry.whole(Usage(500, 12))
    async with keeping(made) as ledger:
        learned = ledger.books.estimator.upper("zai", "glm-4.6", 4000, None)
    assert learned.prompt > 2 * fresh.prompt
    assert learned.completion < fresh.completion


async def test_strict_is_a_setting(tmp_path: Path) -> None:
    """With it a reservation is in the database when the call may be made."""
    async with keeping(await settings(tmp_path, durability="strict")) as ledger:
        entry = await ledger.books.reserve(call(books=ledger.books), PLACE, REQUEST)
        assert (ledger.now().waiting, ledger.now().commits) == (0, 1)
        entry.left()


async def test_without_keys_nothing_is_written(tmp_path: Path) -> None:
    """Charges are still made, for the log; nobody can ask for them later."""
    made = load(environment={}, home=tmp_path, flags={("server", "auth"): False})
    async with keeping(made) as ledger:
        asked = call(books=ledger.books)
        entry = await ledger.books.reserve(asked, PLACE, REQUEST)
        entry.whole(Usage(30, 12))
        assert [charge.usage for charge in asked.charges] == [Usage(30, 12)]
        assert (ledger.reports, ledger.now()) == (None, LedgerNow())
    assert list(tmp_path.iterdir()) == []


async def test_a_journal_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    """Before anything is served."""
    made = await settings(tmp_path)
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(Exception, match="journal cannot be made"):
        async with keeping(made):
            pass
