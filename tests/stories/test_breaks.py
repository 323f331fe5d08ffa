"""An engine that dies while it answers, and a server that dies: what clients see, and what is left of it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import Name
from tests.clients.running import running_script
from tests.stories.asking import Stream, asking
from tests.stories.bodies import LONG, chat, long_chat
from tests.stories.served import SETTINGS, Served, await_true, reply_of, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]

# Every stream of the five SDKs at once, so that one death ends all of them.
ROOM = SETTINGS + "parallel = 8\n"
SDKS: tuple[tuple[Name, str], ...] = (
    ("openai-1", "openai"),
    ("openai-2", "openai"),
    ("openai-3", "openai"),
    ("zhipuai", "zhipuai"),
    ("zai", "zai"),
)


@pytest.fixture
def breakable(tmp_path: Path) -> Iterator[Served]:
    """A server of the test's own."""
    with serving(tmp_path / "home", ROOM) as server:
        yield server


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_mid_stream(server: Served, base: str, **members: Any) -> tuple[Stream, int]:
    """Begin a long stream, kill the engine, and read what is still coming; with the pid of the dead."""
    with asking(server.place, f"{base}/chat/completions", long_chat(stream=True, **members)) as response:
        first = response.readline() + response.readline()
        (victim,) = server.engines()
        os.kill(victim, signal.SIGKILL)
        return Stream(first + response.read()), victim


@pytest.mark.parametrize(("base", "code"), [("/v1", "engine_failed"), ("/api/paas/v4", "1234")])
def test_a_death_mid_stream(breakable: Served, base: str, code: str) -> None:
    """The client gets an error event and no `[DONE]`; the next request is answered within 2 s; no process is left."""
    stream, victim = kill_mid_stream(breakable, base)
    last = stream.chunks[-1]
    assert last["error"]["code"] == code
    assert last["error"]["message"]
    assert b"[DONE]" not in stream.data
    assert all("choices" in chunk for chunk in stream.chunks[:-1])

    began = time.monotonic()
    assert reply_of(breakable, chat(), base=base).status == 200
    assert time.monotonic() - began < 2
    (successor,) = breakable.engines()
    assert successor != victim
    assert not is_alive(victim)
    assert breakable.requests()[0]["ending"] == "failed_after"


def test_a_death_before_the_first_text(breakable: Served) -> None:
    """Nothing has left yet, so the answer has a status of its own, and says that a retry may help."""
    assert reply_of(breakable, chat()).status == 200
    (engine,) = breakable.engines()
    os.kill(engine, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(reply_of, breakable, chat(stream=True))
        await_true(lambda: breakable.in_flight() == 1, within_s=5)
        os.kill(engine, signal.SIGKILL)
        reply = asked.result()
    assert reply.status in {502, 503}
    assert reply.headers["x-should-retry"] == "true"
    assert breakable.requests()[-1]["ending"] in {"failed_before", "rejected"}


@pytest.mark.clients
def test_a_death_mid_stream_raises_in_every_sdk(breakable: Served) -> None:
    """Each raises what it has for an error in a stream, after the texts that came before (contract 1.1, 3.3)."""
    base, body = breakable.base("/api/paas/v4"), json.dumps(chat(stream=True, max_tokens=3000) | LONG)
    with ExitStack() as stack:
        scripts = {
            client: stack.enter_context(running_script(client, "broken_stream", sdk, base, breakable.key, body))
            for client, sdk in SDKS
        }
        assert all(script.hear() == "ready" for script in scripts.values())
        for script in scripts.values():
            script.say("go")
        assert all(script.hear() == "begun" for script in scripts.values())
        (engine,) = breakable.engines()
        os.kill(engine, signal.SIGKILL)
        raised = {client: script.report().raised("stream") for client, script in scripts.items()}
    assert {client: error["class"] for client, error in raised.items()} == {
        "openai-1": "APIError",
        "openai-2": "APIError",
        "openai-3": "APIError",
        "zhipuai": "APIResponseError",
        "zai": "APIResponseError",
    }
    assert all("broke" in json.dumps(error) for error in raised.values())


def test_engines_die_with_the_server(breakable: Served) -> None:
    """Also when it has no time to end them."""
    assert reply_of(breakable, chat()).status == 200
    engines = breakable.engines()
    assert engines
    breakable.process.kill()
    breakable.process.wait()
    await_true(lambda: not any(is_alive(engine) for engine in engines), within_s=5)


def test_a_shutdown_finishes_streams_first(breakable: Served) -> None:
    """SIGTERM lets an answer that has begun come to its end, and leaves no process behind."""
    with asking(breakable.place, "/v1/chat/completions", long_chat(stream=True, max_tokens=400)) as response:
        first = response.readline() + response.readline()
        engines = breakable.engines()
        breakable.process.send_signal(signal.SIGTERM)
        stream = Stream(first + response.read())
    assert stream.data[-1] == b"[DONE]"
    assert breakable.stop() == 0
    assert not any(is_alive(engine) for engine in engines)
