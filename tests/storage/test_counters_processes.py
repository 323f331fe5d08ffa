"""Tests of the counters that several processes share: exact while they race, and free again after one is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glmgate.policy.counters import LEASE_S, Refused, Slot, Spend, Taken
from tests.storage.counters_process import LIKELY, LIMIT, opened

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Each kind of store, empty, and where it is."""
    if request.param == "sqlite":
        return request.param, str(tmp_path / "counters.db")
    if request.param == "postgres":
        return request.param, str(request.getfixturevalue("postgres_url"))
    return request.param, str(request.getfixturevalue("redis").url)


def start(*words: str) -> subprocess.Popen[str]:
    """A process that counts."""
    command = [sys.executable, "-m", "tests.storage.counters_process", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.slow
def test_processes_that_race_are_granted_exactly_the_limit(store: tuple[str, str]) -> None:
    """Three processes, 600 attempts each, a limit of 1,000: of requests, of slots and of money together."""
    racing = [start(*store, "race", name, "600") for name in "abc"]
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=100) for process in racing]
    assert [errors for _, errors in ended] == ["", "", ""]
    granted = [int(answer) for answer, _ in ended]
    assert sum(granted) == LIMIT


@pytest.mark.slow
async def test_what_a_killed_process_held_is_free_in_time(store: tuple[str, str]) -> None:
    """All is taken; after SIGKILL the next is let in within ten seconds, and not at once: it might have been alive.

    All slots, and of a budget what was reserved beyond the likely.
    """
    counters = opened(*store)
    rest = Spend("money", 1000 - 5 * LIKELY, time.time() + 3600, 1000)
    with start(*store, "hold", "5") as holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "held\n"
        assert not isinstance(await counters.take("early", [Slot("full", 5)]), Taken)
        early = await counters.take("early", [rest])
        assert isinstance(early, Refused)
        assert early.state.remaining == 500
        holding.kill()
    killed_at = time.monotonic()
    while not isinstance(outcome := await counters.take("next", [Slot("full", 5), rest]), Taken):  # noqa: ASYNC110 -- another's lease
        await asyncio.sleep(0.1)
    waited = time.monotonic() - killed_at
    await counters.aclose()
    assert [state.remaining for state in outcome.states] == [4, 0]
    assert LEASE_S - 1 < waited < LEASE_S + 0.5
