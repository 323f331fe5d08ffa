"""Bounds of a connection, over a real server."""

from __future__ import annotations

import asyncio
import socket
from itertools import repeat

import pytest

from tests.fakes.gateway import HELLO, WORDS, FakeGateway
from tests.surfaces.live import CHAT, post, serving, until

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


async def test_slow_head_is_answered_408_and_closed() -> None:
    """A client that never ends its headers holds no connection."""
    async with serving(FakeGateway(), header_timeout_s=0.1) as live, live.connect() as connection:
        await connection.send(b"GET /v4/models HTTP/1.1\r\nHost: x\r\n")
        answer = await connection.response()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert await connection.is_closed()


async def test_silent_connection_is_closed() -> None:
    """Whoever connects and says nothing is not answered either."""
    async with serving(FakeGateway(), header_timeout_s=0.1) as live, live.connect() as connection:
        assert await connection.is_closed()


async def test_dribbling_blank_lines_keep_no_connection() -> None:
    """Blank lines before a request are allowed, but not for ever."""
    async with serving(FakeGateway(), header_timeout_s=0.1) as live, live.connect() as connection:
        await connection.send(GET)
        assert (await connection.response()).status == 200
        await connection.send(b"\r\n")
        assert await asyncio.wait_for(connection.is_closed(), 1)


async def test_idle_connection_is_kept_and_then_closed() -> None:
    """Keep-alive has its own time, longer than that of a head."""
    async with serving(FakeGateway(), header_timeout_s=0.1, keep_alive_s=1) as live, live.connect() as connection:
        await connection.send(GET)
        await connection.response()
        await asyncio.sleep(0.4)
        await connection.send(GET)
        assert (await connection.response()).status == 200
        assert await asyncio.wait_for(connection.is_closed(), 2)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v4/" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 3000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 3000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1000,
    ],
)
async def test_large_head_is_answered_431(head: bytes) -> None:
    """One long line, one long value, a value without an end, many headers."""
    async with serving(FakeGateway(), max_head_bytes=2000) as live, live.connect() as connection:
        await connection.send(head)
        answer = await connection.response()
        assert (answer.status, answer.headers["content-type"]) == (431, "application/json")
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_400_in_json(data: bytes) -> None:
    """Also what never reaches the application has an id."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        await connection.send(data)
        answer = await connection.response()
        assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_http")
        assert answer.headers["x-request-id"]
        assert await connection.is_closed()


async def test_broken_chunk_is_answered_400() -> None:
    """In the middle of a body, while the endpoint waits for it."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        await connection.send(post(CHAT, b"", {"Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b""))
        await connection.send(b"no number\r\n")
        assert (await connection.response()).status == 400


async def test_garbage_behind_a_request_falls_into_no_stream() -> None:
    """A stream under way is cut, never mixed with another answer."""
    gateway = FakeGateway(script=(HELLO[0], 60.0))
    async with serving(gateway) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION | {"stream": True})
        await connection.head()
        await connection.send(b"nonsense\r\n\r\n")
        assert b"HTTP/1.1 400" not in await connection.reader.read()
        await until(lambda: not gateway.running, within_s=1)


async def test_offer_of_http2_is_passed_over() -> None:
    """Java's client offers it with each first request, and sends its body all the same."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk"}
    async with serving(FakeGateway()) as live, live.connect() as connection:
        for _ in range(2):
            await connection.post(CHAT, QUESTION, offer)
            assert (await connection.response()).status == 200


async def test_websocket_is_answered_501() -> None:
    """As any other path that is known but not served."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        await connection.send(
            b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert (await connection.response()).status == 501


async def test_requests_behind_each_other_are_answered_in_order() -> None:
    """Pipelined, on one connection."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        await connection.send(GET + post(CHAT, QUESTION) + GET)
        assert [(await connection.response()).status for _ in range(3)] == [200, 200, 200]


async def test_rest_of_a_refused_body_is_skipped() -> None:
    """A small body whose request was refused does not cost the connection."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        head = post(CHAT, b"", {"Authorization": "Bearer wrong", "Content-Length": "1000"})
        await connection.send(head)
        assert (await connection.response()).status == 401
        await connection.send(b"x" * 1000 + GET)
        assert (await connection.response()).status == 200


async def test_rest_of_a_refused_body_is_not_waited_for_long() -> None:
    """A client that dribbles it is cut off."""
    async with serving(FakeGateway(), header_timeout_s=0.1) as live, live.connect() as connection:
        await connection.send(post(CHAT, b"", {"Authorization": "Bearer wrong", "Content-Length": "1000"}))
        await connection.response()
        await connection.send(b"x")
        assert await asyncio.wait_for(connection.is_closed(), 1)


async def test_reader_that_reads_nothing_is_cut_off() -> None:
    """A full buffer that stays full ends the work."""
    gateway = FakeGateway(script=repeat(WORDS * 20, 20_000))
    async with serving(gateway, write_timeout_s=0.2) as live:
        with socket.create_connection(("127.0.0.1", live.port)) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(raw.sendall, post(CHAT, QUESTION | {"stream": True}))
            await until(lambda: gateway.running, within_s=2)
            await until(lambda: not gateway.running, within_s=5)
        assert gateway.cancelled == 1


async def test_small_writes_are_not_held_back() -> None:
    """Nagle's algorithm and delayed acknowledgements make 40 ms of each piece."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        await connection.send(GET)
        await connection.response()
        [protocol] = live.server.server_state.connections
        found = protocol.transport.get_extra_info("socket")
        assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
