"""A server of several workers from outside: what holds across them, what a killed one takes with it, how they end."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services import KEYS, Answer, Service, running
from tests.stories.asking import Place, ask
from tests.stories.bodies import chat
from tests.stories.served import SETTINGS, Served, await_true, command_of, serving

CHAT: Final = "/v1/chat/completions"
STREAMS: Final = 20
WORDS: Final = 40
LEASE_S: Final = 10.0

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Stage:
    """A server of workers before one service."""

    served: Served
    service: Service

    @property
    def workers(self) -> list[int]:
        """The workers' processes."""
        return [pid for pid in self.served.children() if b"glmgate.cli.worker" in command_of(pid)]


@contextmanager
def staged(
    home: Path, *, workers: int = 2, upstream: str = "concurrency = 64", engine: str = "", auth: bool = True
) -> Iterator[Stage]:
    """A server whose service says many words, one each 40 ms."""
    home.mkdir(exist_ok=True)
    (home / "key").write_text(KEYS[0])
    with running("zai") as service:
        service.answer_with(Answer("word " * WORDS, reasoning=""), always=True)
        service.slow(between_s=0.04)
        table = (
            f'[[upstreams]]\nname = "zai"\nprofile = "zai"\nbase_url = "{service.base_url}"\n'
            f'credentials = ["file:key"]\n{upstream}\n[[models]]\nname = "glm-4.6"\nroute = [{{ upstream = "zai" }}]\n'
        )
        server = f"[server]\nworkers = {workers}\nauth = {str(auth).lower()}\n"
        with serving(home, f"{SETTINGS}{engine}{server}{table}", key=None if auth else "nobody.asks") as served:
            yield Stage(served, service)


@dataclass(slots=True)
class Stream:
    """A stream as it is read: what is asked, the port that it comes to, and what came."""

    place: Place
    asked: dict[str, Any]
    port: int = 0
    body: bytes = b""
    begun: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Ask, and read to the end; what breaks off is what it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=60)
        with closing(connection):
            headers = {"Content-Type": "application/json", "Authorization": self.place.authorization or ""}
            connection.request("POST", CHAT, _json(self.asked), headers)
            self.port = connection.sock.getsockname()[1]
            response = connection.getresponse()
            try:
                while piece := response.read1(65536):
                    self.body += piece
                    self.begun.set()
            except (ConnectionError, http.client.HTTPException):
                pass

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end, and nothing is missing."""
        return self.body.endswith(b"data: [DONE]\n\n") and self.body.count(b'"word ') == WORDS


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


@contextmanager
def streaming(place: Place, count: int = STREAMS, *, max_tokens: int | None = 4000) -> Iterator[list[Stream]]:
    """So many streams that have begun; they are read to their ends before the block is left."""
    streams = [Stream(place, chat(stream=True, max_tokens=max_tokens)) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        reading = [pool.submit(stream.read) for stream in streams]
        for stream in streams:
            assert stream.begun.wait(30)
        yield streams
        for each in reading:
            each.result(60)


def clients_of(pid: int, port: int) -> set[int]:
    """The ports of the clients that a process serves on `port`, from the kernel's tables."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the process closes files meanwhile
            if match := re.fullmatch(r"socket:\[(\d+)\]", str(entry.readlink())):
                inodes.add(match[1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[2].rpartition(":")[2], 16)
        for row in rows
        if row[9] in inodes and int(row[1].rpartition(":")[2], 16) == port
    }


class Knocking(threading.Thread):
    """A client that asks for short answers on new connections, one after the other, until it gets none."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self.ended_at = 0.0
        self._place = place

    def run(self) -> None:
        """Ask."""
        while True:
            self.ended_at = time.monotonic()
            try:
                self.statuses.append(ask(self._place, "GET", "/v1/models").status)
            except (OSError, http.client.HTTPException):
                return


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_breaks_no_stream(tmp_path: Path, workers: int) -> None:
    """`/readyz` is 503 at once, who comes in a moment too late is still answered, every stream ends, the exit is 0."""
    with staged(tmp_path / "home", workers=workers) as stage:
        served = stage.served
        knocking = Knocking(served.place)
        with streaming(served.place) as streams:
            knocking.start()
            told_at = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            await_true(lambda: ask(served.place, "GET", "/readyz").status == 503, 0.4)
            told = ask(served.place, "GET", "/readyz")
            assert (told.json["status"], told.headers["connection"]) == ("draining", "close")
        assert [each.is_whole for each in streams] == [True] * STREAMS
        assert served.process.wait(30) == 0
        knocking.join(30)
        assert set(knocking.statuses) == {200}
        assert knocking.ended_at - told_at > 0.4  # of the half second that `drain_s` is
        chats = [entry["ending"] for entry in served.requests() if entry.get("endpoint") == "chat"]
        assert chats == ["completed"] * STREAMS
        assert all(entry["level"] != "error" for entry in served.entries()), served.tail()


def test_a_killed_worker_takes_only_its_own_streams_with_it(tmp_path: Path) -> None:
    """The others end well, its slots are free at once, another worker comes, and no counter goes down."""
    with staged(tmp_path / "home", upstream=f"concurrency = {STREAMS}") as stage:
        served = stage.served
        assert len(stage.workers) == 2
        with streaming(served.place) as streams:
            counted = served.metric("glmgate_requests_total")
            killed = max(stage.workers, key=lambda pid: len(clients_of(pid, served.port)))
            streaming_at = {each.port for each in streams}
            lost = clients_of(killed, served.port) & streaming_at
            os.kill(killed, signal.SIGKILL)
            # All slots were taken: one is free as soon as its holder is gone.
            began = time.monotonic()
            assert ask(served.place, "POST", CHAT, chat(max_tokens=1)).status == 200
            assert time.monotonic() - began < 5
        assert lost
        assert {each.port for each in streams if not each.is_whole} == lost
        await_true(lambda: len(stage.workers) == 2 and killed not in stage.workers, 30)
        await_true(lambda: served.metric("glmgate_workers") == 2, 30)
        assert served.metric("glmgate_workers_replaced_total") == 1
        assert served.metric("glmgate_requests_total") == counted + 1 + STREAMS - len(lost)
        assert served.metric("glmgate_upstream_in_flight") == 0
        assert served.in_flight() == 0
        assert served.stop() == 0


def test_the_slots_of_a_credential_hold_across_workers(tmp_path: Path) -> None:
    """However many workers ask, the service never has more calls at once than were set."""
    with staged(tmp_path / "home", workers=3, upstream="concurrency = 2") as stage:
        stage.service.slow(first_s=0.05)
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda _: ask(stage.served.place, "POST", CHAT, chat()), range(24)))
        assert {reply.status for reply in replies} == {200}
        assert stage.service.most_in_flight == 2


@pytest.mark.engine
def test_the_slots_and_the_queue_of_the_engine_hold_across_workers(tmp_path: Path) -> None:
    """One child, one slot, one that waits; all others are told to come back, whoever they have asked."""
    with staged(tmp_path / "home", workers=2, engine="parallel = 1\nqueue = 1\n") as stage:
        served = stage.served
        local = chat(model="glmgate-tiny", max_tokens=200)
        assert ask(served.place, "POST", CHAT, local).status == 200
        with ThreadPoolExecutor(16) as pool:
            statuses = [reply.status for reply in pool.map(lambda _: ask(served.place, "POST", CHAT, local), range(16))]
        assert set(statuses) == {200, 429}
        assert len(served.engines()) == 1
        assert served.taken() == 0


def test_changed_settings_hold_in_every_worker(tmp_path: Path) -> None:
    """Read once, by the parent; a worker that comes later has them too."""
    with staged(tmp_path / "home") as stage:
        served = stage.served
        file = served.home / "glmgate.toml"
        file.write_text(file.read_text().replace('name = "glm-4.6"', 'name = "glm-new"'))
        served.process.send_signal(signal.SIGHUP)
        await_true(lambda: _answers(served, "glm-new"), 20)
        for pid in stage.workers:
            os.kill(pid, signal.SIGKILL)
            await_true(lambda: served.metric("glmgate_workers") == 2, 30)
        for _ in range(8):
            assert _answers(served, "glm-new")


def _answers(served: Served, model: str) -> bool:
    return model in [each["id"] for each in ask(served.place, "GET", "/v1/models").json["data"]]


def test_a_killed_worker_loses_no_row_of_the_ledger(tmp_path: Path) -> None:
    """Each call that the service got stands there once, also those that were cut off; another worker moved them."""
    home = tmp_path / "home"
    with staged(home, upstream=f"concurrency = {STREAMS}") as stage:
        served = stage.served
        with streaming(served.place) as streams:
            killed = max(stage.workers, key=lambda pid: len(clients_of(pid, served.port)))
            os.kill(killed, signal.SIGKILL)
        cut = sum(not each.is_whole for each in streams)
        assert cut
        await_true(lambda: _outcomes(home).get("unknown") == cut, 30)
        assert served.stop() == 0
    assert _outcomes(home) == {"ok": STREAMS - cut, "unknown": cut}
    assert len(stage.service.requests) == STREAMS
    assert list((home / "journal").glob("*.journal")) == []


def _outcomes(home: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{home / 'glmgate.db'}?mode=ro", uri=True)) as database:
        return dict(database.execute("SELECT outcome, count(*) FROM ledger WHERE outcome IS NOT NULL GROUP BY 1"))


def test_a_killed_worker_gives_back_what_it_had_in_flight(tmp_path: Path) -> None:
    """With the limit full: who asks next is refused, and after at most ten seconds is not."""
    home = tmp_path / "home"
    with staged(home) as stage:
        stage.service.slow(between_s=0.7)
        place = replace(stage.served.place, authorization=f"Bearer {key_of(home, '--in-flight', '4')}")
        with streaming(place, 4):
            assert _status(place) == 429
            for pid in stage.workers:
                os.kill(pid, signal.SIGKILL)
            # Until workers have begun again nobody answers at all, which takes a loaded machine its time.
            await_true(lambda: _status(place) is not None, 30)
            await_true(lambda: _status(place) == 200, LEASE_S + 5)


def _status(place: Place) -> int | None:
    try:
        return ask(place, "POST", CHAT, chat(max_tokens=1)).status
    except OSError:
        return None  # nobody has accepted it before the workers ended


def key_of(home: Path, *terms: str) -> str:
    """A new key with these terms."""
    command = [sys.executable, "-m", "glmgate", "keys", "create", "--name", "t", "--home", str(home), *terms]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_workers_without_keys_share_thoughts(tmp_path: Path) -> None:
    """A conversation gets back what was thought in it, whichever worker has it now; nothing is written."""
    with staged(tmp_path / "home", auth=False) as stage:
        service, place = stage.service, stage.served.place
        service.slow(between_s=0)
        service.answer_with(Answer("Hi", reasoning="a thought"), always=True)
        thinking = {"thinking": {"type": "enabled"}, "max_tokens": 100}
        began = [{"role": "user", "content": "Hello"}]
        assert ask(place, "POST", CHAT, chat(messages=began, **thinking)).status == 200
        time.sleep(0.5)  # for the worker's write
        later = [*began, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "And?"}]
        for _ in range(12):
            assert ask(place, "POST", CHAT, chat(messages=later, **thinking)).status == 200
        thoughts = [heard.body["messages"][1].get("reasoning_content") for heard in service.requests[1:]]
        assert thoughts == ["a thought"] * 12
        assert not (tmp_path / "home" / "glmgate.db").exists()


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    """Their streams end first; nobody is left who holds the port."""
    with staged(tmp_path / "home") as stage:
        served, workers = stage.served, stage.workers
        with streaming(served.place, 4) as streams:
            served.process.kill()
        assert [each.is_whole for each in streams] == [True] * 4
        await_true(lambda: not any(b"glmgate.cli.worker" in command_of(pid) for pid in workers), 30)
        with pytest.raises(ConnectionRefusedError):
            ask(served.place, "GET", "/livez")


def test_a_worker_that_is_told_to_stop_drains_alone(tmp_path: Path) -> None:
    """Its streams end well, and another one takes its place: so one may be renewed by hand."""
    with staged(tmp_path / "home") as stage:
        served, before = stage.served, stage.workers
        with streaming(served.place) as streams:
            os.kill(before[0], signal.SIGTERM)
        assert [each.is_whole for each in streams] == [True] * STREAMS
        await_true(lambda: len(stage.workers) == 2 and before[0] not in stage.workers, 30)
        assert before[1] in stage.workers
        assert served.stop() == 0
