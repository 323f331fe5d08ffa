"""Hard budgets and SIGKILL: what a killed process had reserved beyond its estimates may be spent again in time."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services import KEYS, Answer, Service, running
from tests.stories.asking import Place, ask
from tests.stories.bodies import chat
from tests.stories.served import SETTINGS, await_true, serving
from tests.stories.test_workers import CHAT, LEASE_S, clients_of, key_of, staged, streaming

pytestmark = pytest.mark.slow

# The longest answer that there can be is 131,072 tokens, and that is reserved for one that has no limit of its own; the
# ledger has 1,024 of it. A long prompt fits into what is left only when the rest has come back.
BUDGET: Final = "140000tokens/month"
LONG: Final = "word " * 9000


def status(place: Place) -> int | None:
    """What a request with a long prompt gets; None: nobody has accepted it before its process ended."""
    try:
        return ask(place, "POST", CHAT, chat(messages=[{"role": "user", "content": LONG}], max_tokens=1)).status
    except OSError:
        return None


def test_a_killed_worker_leaves_no_budget_reserved(tmp_path: Path) -> None:
    """The other one may spend it within the length of a lease, and not before: the killed one might have been alive."""
    home = tmp_path / "home"
    with staged(home) as stage:
        served = stage.served
        stage.service.slow(between_s=0.5)
        place = replace(served.place, authorization=f"Bearer {key_of(home, '--budget', BUDGET)}")
        with streaming(place, 1, max_tokens=None) as (stream,):
            assert status(place) == 429
            killed = next(pid for pid in stage.workers if stream.port in clients_of(pid, served.port))
            os.kill(killed, signal.SIGKILL)
            killed_at = time.monotonic()
            stage.service.slow()
            await_true(lambda: status(place) == 200, LEASE_S + 5)
            assert time.monotonic() - killed_at > LEASE_S - 5
        assert not stream.is_whole


@contextmanager
def service() -> Iterator[Service]:
    """A service that says a word each half of a second."""
    with running("vllm") as found:
        found.answer_with(Answer("word " * 60, reasoning=""), always=True)
        found.slow(between_s=0.5)
        yield found


def test_a_killed_server_leaves_what_its_ledger_says(tmp_path: Path) -> None:
    """The next one counts in the same file, which has in time what the ledger has, to the token; the rest is free."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "key").write_text(KEYS[0])
    with service() as found:
        settings = (
            f'{SETTINGS}[limits]\nstore = "file"\n[[upstreams]]\nname = "loop"\nprofile = "vllm"\n'
            f'base_url = "{found.base_url}"\ncredentials = ["file:key"]\n'
            '[[models]]\nname = "glm-4.6"\nroute = [{ upstream = "loop" }]\n'
        )
        with serving(home, settings) as served:
            key = key_of(home, "--budget", BUDGET)
            place = replace(served.place, authorization=f"Bearer {key}")
            with streaming(place, 1, max_tokens=None):
                await_true(lambda: _counted(home) > 131_072, 5)
                os.kill(served.process.pid, signal.SIGKILL)
                served.process.wait()
        found.slow()
        with serving(home, settings, key=served.key) as served:
            place = replace(served.place, authorization=f"Bearer {key}")
            await_true(lambda: status(place) == 200, LEASE_S + 5)
            await_true(lambda: _outcomes(home) == {"unknown": 1, "ok": 1}, 10)
            await_true(lambda: _counted(home) == _spent(home), 5)
            assert 1024 < _spent(home) < 30_000
            assert served.stop() == 0


def _asked(file: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()


def _counted(home: Path) -> int:
    ((used,),) = _asked(home / "counters.db", "SELECT used FROM periods")
    assert isinstance(used, int)
    return used


def _spent(home: Path) -> int:
    ((spent,),) = _asked(home / "glmgate.db", "SELECT sum(prompt_tokens + completion_tokens) FROM ledger")
    assert isinstance(spent, int)
    return spent


def _outcomes(home: Path) -> dict[str, int]:
    question = "SELECT outcome, count(*) FROM ledger WHERE outcome IS NOT NULL GROUP BY 1"
    return dict(_asked(home / "glmgate.db", question))
