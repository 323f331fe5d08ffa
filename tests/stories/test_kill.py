"""SIGKILL: whatever moment a process dies at, the ledger has each attempt once, and all that the upstream counted."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.schema import ledger, requests
from tests.services import KEYS, Service, running
from tests.services.answers import Answer
from tests.storage.attempts import agree
from tests.stories.asking import Place, ask
from tests.stories.killed_books import IN_FLIGHT
from tests.stories.served import SETTINGS, await_true, serving

ROOT = Path(__file__).parents[2]
SEED = "20261128"


class Upstream(socketserver.ThreadingTCPServer):
    """Answers each line (the id of a request) with its tokens, and keeps what it was asked and what it answered."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.answered: dict[str, tuple[int, int]] = {}


class _Handler(socketserver.StreamRequestHandler):
    """One connection: an answer takes up to 4 ms, so that processes die while they wait for one."""

    def handle(self) -> None:
        assert isinstance(self.server, Upstream)
        with suppress(ConnectionError):
            while line := self.rfile.readline():
                uid = line.decode().strip()
                self.server.asked.append(uid)
                time.sleep(random.uniform(0, 0.004))
                tokens = random.randint(1, 50), random.randint(1, 50)
                self.wfile.write(f"{tokens[0]} {tokens[1]}\n".encode())
                self.server.answered[uid] = tokens


@contextmanager
def counting() -> Iterator[Upstream]:
    """The upstream that counts."""
    with Upstream() as upstream:
        thread = threading.Thread(target=upstream.serve_forever, daemon=True)
        thread.start()
        yield upstream
        upstream.shutdown()
        thread.join()


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the tests to its end."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def attempts(connection: Connection) -> dict[str, Any]:
    """Every row of the ledger, by the id of its request; no request here has two."""
    rows = connection.execute(select(ledger)).all()
    found = {row.id.removesuffix(".0"): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kills", [50])
async def test_processes_killed_at_random_moments_lose_nothing(database_url: str, tmp_path: Path, kills: int) -> None:
    """50 processes under load: settled and unknown together are what the upstream counted, but for those in flight."""
    database = await open_database(database_url)
    with counting() as upstream:
        port = str(upstream.server_address[1])
        command = [sys.executable, "-m", "tests.stories.killed_books", str(tmp_path), database_url, port]
        done = await asyncio.to_thread(run, [*command, str(kills), SEED])
        assert done.returncode == 0, done.stderr
        asked, answered = list(upstream.asked), dict(upstream.answered)
    rows = await database.read(attempts)
    await agree(database)
    ended = set(await database.read(lambda connection: connection.scalars(select(requests.c.uid)).all()))
    await database.aclose()
    most = IN_FLIGHT * kills
    assert len(asked) > 10 * kills, "there was no load"
    assert len(set(asked)) == len(asked)
    assert {row.state for row in rows.values()} == {"settled", "unknown"}
    unknown = {uid for uid, row in rows.items() if row.state == "unknown"}
    assert 0 < len(unknown) <= most
    assert set(asked) <= set(rows), "something was sent that is not in the ledger"
    assert set(rows) - set(asked) <= unknown, "what was never sent is settled"
    for uid in set(rows) - unknown:
        assert (rows[uid].prompt_tokens, rows[uid].completion_tokens) == answered[uid]
    assert ended <= set(rows) - unknown
    assert len(set(rows) - unknown - ended) <= most
    assert list((tmp_path / "journal").iterdir()) == []


def configured(service: Service) -> str:
    """One model on one service, at a price."""
    return (
        f'{SETTINGS}\n[[upstreams]]\nname = "loop"\nprofile = "vllm"\nbase_url = "{service.base_url}"\n'
        'credentials = ["file:key"]\n\n[[models]]\nname = "glm-4.6"\nroute = [{ upstream = "loop" }]\n\n'
        '[[prices]]\nmodel = "glm-4.6"\ncurrency = "USD"\ninput = 1\noutput = 2\n'
    )


def load(place: Place, until: threading.Event) -> None:
    """Ask again and again, streamed and whole, until the server is gone."""
    body = {"model": "glm-4.6", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50}
    stream = False
    while not until.is_set():
        stream = not stream
        with suppress(OSError, EOFError, ValueError):
            ask(place, "POST", "/v1/chat/completions", body | {"stream": stream})


def killed(home: Path, service: Service, key: str | None, chance: random.Random) -> str:
    """A server under load that is killed while it asks for the so many-th time; its key."""
    with serving(home, configured(service), key=key) as served:
        at = len(service.requests) + chance.randint(10, 60)
        over = threading.Event()
        with ThreadPoolExecutor(8) as pool:
            for _ in range(8):
                pool.submit(load, served.place, over)
            await_true(lambda: len(service.requests) >= at, 30)
            time.sleep(chance.uniform(0, 0.02))
            os.kill(served.process.pid, signal.SIGKILL)
            served.process.wait()
            over.set()
        return served.key


@pytest.mark.slow
async def test_a_killed_server_bills_what_the_service_answered(tmp_path: Path) -> None:
    """Three times over, as anybody starts it: every call that the service saw is one row at its price, or unknown."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "key").write_text(KEYS[0])
    chance = random.Random(SEED)
    with running("vllm") as service:
        service.answer_with(Answer(text="one two three", reasoning=""), always=True)
        service.slow(between_s=0.002)
        key: str | None = None
        for _ in range(3):
            key = killed(home, service, key, chance)
        with serving(home, configured(service), key=key) as served:
            assert ask(served.place, "GET", "/readyz").status == 200
        count = len([heard for heard in service.requests if heard.path.endswith("/chat/completions")])
    database = Database(f"sqlite:///{home}/glmgate.db")
    rows = await database.read(attempts)
    await agree(database)
    await database.aclose()
    unknown = [row for row in rows.values() if row.state == "unknown"]
    assert count > 30, "there was no load"
    assert {row.state for row in rows.values()} <= {"settled", "unknown"}
    assert 0 <= len(rows) - count <= 8 * 3
    assert len(unknown) <= 8 * 3
    assert all(row.amount is not None and row.currency == "USD" for row in rows.values())
    ok = [row for row in rows.values() if row.outcome == "ok"]
    assert len({(row.prompt_tokens, row.completion_tokens, row.amount) for row in ok}) == 1
    assert len(ok) + len(unknown) >= count
