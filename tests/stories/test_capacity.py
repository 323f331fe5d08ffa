"""A server with one slot and room for one more to wait: who is let in, who waits, and who is sent away."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.clients.environments import Name
from tests.clients.running import run_script, running_script
from tests.stories.asking import Stream, asking, sent
from tests.stories.bodies import chat
from tests.stories.served import SETTINGS, Served, await_true, reply_of, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NARROW = SETTINGS + "parallel = 1\nqueue = 1\n\n[server]\ncomment_after_s = 0.2\n"
SDKS: tuple[tuple[Name, str, str], ...] = (
    ("openai-1", "openai", "/v1"),
    ("openai-2", "openai", "/v1"),
    ("openai-3", "openai", "/v1"),
    ("zhipuai", "zhipuai", "/api/paas/v4"),
    ("zai", "zai", "/api/paas/v4"),
)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server, its model loaded."""
    with serving(tmp_path_factory.mktemp("narrow"), NARROW) as server:
        assert reply_of(server, chat()).status == 200
        yield server


def await_in_flight(server: Served, count: int) -> None:
    """Wait until so many requests are being answered."""
    await_true(lambda: server.in_flight() == count, within_s=10)


@contextmanager
def busy(server: Served, requests: int) -> Iterator[Callable[[], None]]:
    """So many requests under way or waiting, given up at the end or when what is handed out is called.

    The engine is halted meanwhile, so that none of them ends before, however fast the machine is.
    """
    (engine,) = server.engines()
    os.kill(engine, signal.SIGSTOP)
    connections: list[socket.socket] = []

    def give_up() -> None:
        for connection in connections:
            connection.close()
        os.kill(engine, signal.SIGCONT)

    try:
        for count in range(1, requests + 1):
            connections.append(sent(server.place, "/v1/chat/completions", chat(stream=True)))
            await_in_flight(server, count)
        yield give_up
    finally:
        give_up()
    await_in_flight(server, 0)


def rejections(server: Served, after: int) -> int:
    """How many requests were sent away since."""
    return [entry["ending"] for entry in server.requests(after=after)].count("rejected")


@pytest.mark.parametrize(("base", "code"), [("/v1", "rate_limit_exceeded"), ("/api/paas/v4", "1302")])
@pytest.mark.parametrize("stream", [True, False])
def test_a_full_queue_is_429(narrow: Served, base: str, code: str, stream: bool) -> None:
    """With the time after which another try may help, and a line in the log that says so."""
    before = len(narrow.requests())
    with busy(narrow, 2):
        reply = reply_of(narrow, chat(stream=stream), base=base)
        assert rejections(narrow, before) == 1
    assert reply.status == 429
    assert reply.error["code"] == code
    assert int(reply.headers["retry-after"]) >= 1


def test_a_client_that_waits_hears_comments(narrow: Served) -> None:
    """Silence is broken by comments only, as bytes that every SDK skips (contract 0.3)."""
    with busy(narrow, 1), asking(narrow.place, "/v1/chat/completions", chat(stream=True)) as response:
        heard = response.read(len(b": ping\n\n") * 2)
    assert heard == b": ping\n\n" * 2


def test_a_client_that_waited_is_answered(narrow: Served) -> None:
    """After the comments comes the whole answer, the same as without them."""
    with busy(narrow, 1) as give_up, asking(narrow.place, "/v1/chat/completions", chat(stream=True)) as response:
        heard = response.readline()
        give_up()
        stream = Stream(heard + response.read())
    assert stream.blocks[0] == b": ping"
    assert stream.data[-1] == b"[DONE]"
    assert stream.text() == reply_of(narrow, chat(stream=True)).stream.text()


def test_a_client_that_waits_and_goes_leaves_its_place(narrow: Served) -> None:
    """The place in the queue is free for the next one."""
    with busy(narrow, 1):
        for _ in range(5):
            waiting = sent(narrow.place, "/v1/chat/completions", chat(stream=True))
            await_in_flight(narrow, 2)
            waiting.close()
            await_in_flight(narrow, 1)


@pytest.mark.clients
@pytest.mark.parametrize(("client", "sdk", "base"), SDKS)
def test_sdks_try_again_after_429(narrow: Served, client: Name, sdk: str, base: str) -> None:
    """openai when Retry-After says so, GLM's own when they like (contract 1.1); both are answered in the end."""
    before = len(narrow.requests())
    arguments = (client, "retrying", sdk, narrow.base(base), narrow.key, "5")
    with busy(narrow, 2) as give_up, running_script(*arguments) as script:
        await_true(lambda: rejections(narrow, before) > 0, within_s=30)
        give_up()
        report = script.report()
    assert report.gave("chat")["choices"]
    if sdk == "openai":
        # One second is what the header says at least; the SDK's own first pause is half of that.
        assert report.seconds("chat") >= 1


@pytest.mark.clients
@pytest.mark.parametrize(("client", "sdk", "base"), SDKS)
def test_429_is_the_right_exception(narrow: Served, client: Name, sdk: str, base: str) -> None:
    """As each SDK has it, where it does not try again (contract 1.1)."""
    with busy(narrow, 2):
        raised = run_script(client, "retrying", sdk, narrow.base(base), narrow.key, "0").raised("chat")
    assert (raised["class"], raised["status"]) == ("RateLimitError" if sdk == "openai" else "APIReachLimitError", 429)
