"""A server that is about to stop: it sends everybody away, and nobody finds a broken connection."""

from __future__ import annotations

import asyncio
import signal
import socket
import time

import pytest

from glmgate.surfaces.drain import Drain
from tests.fakes.gateway import HELLO, FakeGateway
from tests.surfaces.live import CHAT, Live, post, serving, until

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"


def terminate(live: Live, number: signal.Signals = signal.SIGTERM) -> None:
    """What a service manager does."""
    live.server.handle_exit(number, None)


async def ready(live: Live) -> tuple[int, str, str]:
    """What a probe on a new connection finds: status, word, and what becomes of the connection."""
    async with live.connect() as connection:
        await connection.send(READY)
        answer = await connection.response()
        return answer.status, answer.json()["status"], answer.headers.get("connection", "")


def test_it_begins_once() -> None:
    """And is not taken back."""
    drain = Drain()
    assert not drain.begun
    drain.begin()
    drain.begin()
    assert drain.begun


async def test_a_probe_is_told_at_once_and_others_are_answered() -> None:
    """503 where somebody asks whether to send more; requests that come all the same get their answer, and go."""
    async with serving(FakeGateway(script=HELLO), drain_s=1) as live:
        assert await ready(live) == (200, "ready", "")
        terminate(live)
        assert await ready(live) == (503, "draining", "close")
        async with live.connect() as connection:
            await connection.post(CHAT, QUESTION)
            answer = await connection.response()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await connection.is_closed()


async def test_a_kept_connection_is_told_with_its_next_answer() -> None:
    """It is not closed under a request that is on its way."""
    async with serving(FakeGateway(script=HELLO), drain_s=1) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION)
        assert "connection" not in (await connection.response()).headers
        terminate(live)
        await asyncio.sleep(0.15)
        await connection.post(CHAT, QUESTION)
        answer = await connection.response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")


async def test_an_answer_under_way_is_the_last_of_its_connection() -> None:
    """Its head says so, where it was not sent yet."""
    gateway = FakeGateway(script=(0.4, *HELLO))
    async with serving(gateway, drain_s=1) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION)
        await until(lambda: gateway.running, within_s=2)
        terminate(live)
        answer = await connection.response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await connection.is_closed()


async def test_new_connections_are_refused_after_the_drain() -> None:
    """While streams still run, which end well."""
    gateway = FakeGateway(script=(HELLO[0], 1.0, *HELLO[1:]))
    async with serving(gateway, drain_s=0.1, shutdown_grace_s=5) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION | {"stream": True})
        await connection.head()
        terminate(live)
        await asyncio.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", live.port)
        body = b"".join([chunk async for chunk in connection.chunks()])
        assert body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)])
async def test_who_is_in_a_hurry_waits_for_no_probe(signals: tuple[signal.Signals, ...]) -> None:
    """An interrupt, or a second signal, takes no new connections at once; answers still end."""
    gateway = FakeGateway(script=(HELLO[0], 0.6, *HELLO[1:]))
    async with serving(gateway, drain_s=60, shutdown_grace_s=5) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION | {"stream": True})
        await connection.head()
        for each in signals:
            terminate(live, each)
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", live.port)
        body = b"".join([chunk async for chunk in connection.chunks()])
        assert body.endswith(b"data: [DONE]\n\n")


async def test_a_connection_that_nobody_has_accepted_yet_is_answered() -> None:
    """It was made before the end: the system has told its client that somebody listens."""
    async with serving(FakeGateway(script=HELLO)) as live:

        def ask() -> bytes:
            with socket.create_connection(("127.0.0.1", live.port), timeout=5) as client:
                client.sendall(post(CHAT, QUESTION))
                return b"".join(iter(lambda: client.recv(65536), b""))

        loop = asyncio.get_running_loop()
        asking = [loop.run_in_executor(None, ask) for _ in range(4)]
        terminate(live, signal.SIGINT)
        # The loop does nothing else until the connections wait in the listener's queue.
        time.sleep(0.3)  # noqa: ASYNC251 -- as a loop that is busy
        for answer in await asyncio.gather(*asking):
            assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_a_connection_that_was_only_made_does_not_hold_the_end_up() -> None:
    """A client that opens one ahead of time, and says nothing, is closed after a second."""
    async with serving(FakeGateway(script=HELLO)) as live, live.connect() as connection:
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        terminate(live, signal.SIGINT)
        assert await connection.is_closed()
        assert asyncio.get_running_loop().time() - began < 2
