"""The transport over real sockets: what is sent, what comes back, how it fails, and that leaving closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from glmgate.transport import errors
from glmgate.transport.aiohttp import MAPPED, AiohttpTransport, mapped
from glmgate.transport.interfaces import Outgoing, Timeouts, Transport
from tests.transport.loopback import peer, reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Note: Seen\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """A transport that is closed after the test."""
    client = AiohttpTransport()
    yield client
    await client.aclose()


def subclasses(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    """The class and everything below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_every_exception_of_aiohttp_is_in_the_table() -> None:
    """A release of aiohttp that adds an exception fails here until its meaning is decided."""
    own = {kind for kind in subclasses(aiohttp.ClientError) if kind.__module__.startswith("aiohttp.")}
    assert own - set(MAPPED) == set()


def test_the_most_specific_class_of_an_exception_wins() -> None:
    """A time-out while connecting is that, although it is also a connection error of aiohttp's."""
    assert mapped(aiohttp.ConnectionTimeoutError()) is errors.ConnectTimedOut
    assert mapped(aiohttp.ServerDisconnectedError()) is errors.ConnectionBroken
    assert mapped(ConnectionResetError()) is errors.ConnectionBroken


async def test_a_post_carries_its_body_and_headers_and_brings_the_whole_reply(transport: Transport) -> None:
    """Body and headers arrive as given; status, headers in lower case and body come back."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"no", status="418 Teapot", headers=b"X-Note: Seen\r\n"))

    async with peer(script) as heard:
        answer = await transport.post(
            Outgoing(url=heard.url, headers={"Content-Type": "application/json"}, body=b"{}"), max_bytes=10
        )
    assert (answer.status, answer.headers["x-note"], answer.body) == (418, "Seen", b"no")
    assert heard.bodies == [b"{}"]
    assert b"content-type: application/json" in heard.heads[0].lower()


def test_a_request_does_not_show_its_headers() -> None:
    """They may hold a credential, and requests end up in logs and tracebacks."""
    assert "hidden" not in repr(Outgoing(url="http://peer/", headers={"Authorization": "Bearer hidden"}))


async def test_nothing_is_sent_that_was_not_asked_for(transport: Transport) -> None:
    """No user agent, no encodings, no cookies: a peer sees our headers only."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"", headers=b"Set-Cookie: a=b\r\n"))

    async with peer(script) as heard:
        for _ in range(2):
            await transport.get(Outgoing(url=heard.url), max_bytes=10)
    names = {line.partition(b":")[0].lower() for line in heard.heads[1].split(b"\r\n")[1:] if line}
    assert names == {b"host", b"accept"}


async def test_connections_that_are_not_kept_are_announced_and_closed() -> None:
    """Every request has a connection of its own and says that it will be closed, whatever the peer would like."""
    transport = AiohttpTransport(keep_connections=False)

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"ok"))

    async with peer(script) as heard:
        for _ in range(3):
            await transport.get(Outgoing(url=heard.url), max_bytes=10)
    await transport.aclose()
    assert heard.made == 3
    assert all(head.lower().count(b"connection: close") == 1 for head in heard.heads)


async def test_a_connection_is_kept_after_a_whole_reply(transport: Transport) -> None:
    """A reply that was read to its end gives its connection back."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"ok"))

    async with peer(script) as heard:
        for _ in range(3):
            await transport.get(Outgoing(url=heard.url), max_bytes=10)
    assert heard.made == 1


async def test_a_unix_socket_is_used_whatever_the_url_says(tmp_path: Path) -> None:
    """The URL's host is a mere name."""
    socket = tmp_path / "s"

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"here"))

    client = AiohttpTransport(socket=socket)
    async with peer(script, socket=socket) as heard:
        answer = await client.get(Outgoing(url=heard.url), max_bytes=10)
    await client.aclose()
    assert answer.body == b"here"


async def test_a_stream_gives_each_piece_when_it_arrives(transport: Transport) -> None:
    """The first piece is read before the second is written."""
    read_first = asyncio.Event()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"3\r\none\r\n")
        await read_first.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    pieces = []
    async with peer(script) as heard, transport.stream(Outgoing(url=heard.url)) as answer:
        async for piece in answer.pieces():
            pieces.append(piece)
            read_first.set()
    assert pieces == [b"one", b"two"]


async def test_leaving_a_stream_closes_the_connection(transport: Transport) -> None:
    """The peer notices at once, although neither reply nor connection had ended."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"3\r\none\r\n")
        await reader.read()

    async with peer(script) as heard:
        async with transport.stream(Outgoing(url=heard.url)) as answer:
            await anext(answer.pieces())
        await asyncio.wait_for(heard.gone.wait(), 5)


async def test_a_caller_that_is_cancelled_while_it_waits_closes_the_connection(transport: Transport) -> None:
    """Nothing stays open when the wait for the reply's head is given up."""
    asked = asyncio.Event()

    async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with peer(script) as heard:
        asking = asyncio.create_task(transport.post(Outgoing(url=heard.url), max_bytes=10))
        await asked.wait()
        asking.cancel()
        await asyncio.wait_for(heard.gone.wait(), 5)
    assert asking.cancelled()


async def test_a_body_that_ends_too_early_is_a_broken_connection(transport: Transport) -> None:
    """A chunked body without its last chunk is not taken for a whole one."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"3\r\none\r\n")
        writer.close()

    async with peer(script) as heard:
        with pytest.raises(errors.ConnectionBroken):
            await transport.post(Outgoing(url=heard.url), max_bytes=10)


async def test_a_peer_that_is_not_there_is_a_failed_connection(transport: Transport) -> None:
    """Nothing was sent, so that a caller may try elsewhere."""

    async def script(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None: ...

    async with peer(script) as heard:
        url = heard.url
    with pytest.raises(errors.ConnectFailed):
        await transport.get(Outgoing(url=url), max_bytes=10)


async def test_a_missing_unix_socket_is_a_failed_connection(tmp_path: Path) -> None:
    """A child that is gone looks like that."""
    client = AiohttpTransport(socket=tmp_path / "s")
    with pytest.raises(errors.ConnectFailed):
        await client.get(Outgoing(url="http://peer/"), max_bytes=10)
    await client.aclose()


@pytest.mark.parametrize(
    ("said", "timeouts", "expected"),
    [
        (b"", Timeouts(first_s=0.05), errors.FirstTimedOut),
        (CHUNKED, Timeouts(first_s=0.05), errors.FirstTimedOut),
        (CHUNKED + b"3\r\none\r\n", Timeouts(idle_s=0.05), errors.IdleTimedOut),
        (b"", Timeouts(total_s=0.05), errors.TotalTimedOut),
        (CHUNKED, Timeouts(idle_s=30, total_s=0.05), errors.TotalTimedOut),
    ],
)
async def test_each_time_out_has_its_own_error(
    transport: Transport, said: bytes, timeouts: Timeouts, expected: type[errors.TransportError]
) -> None:
    """Silent before the head, silent after it, silent within the body, too long as a whole."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()

    async with peer(script) as heard:
        with pytest.raises(expected):
            await transport.post(Outgoing(url=heard.url, timeouts=timeouts), max_bytes=10)


async def test_something_that_is_not_http_is_unreadable(transport: Transport) -> None:
    """A peer of another protocol is told apart from one that breaks off."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-teapot\r\n\r\n")

    async with peer(script) as heard:
        with pytest.raises(errors.ReplyUnreadable):
            await transport.get(Outgoing(url=heard.url), max_bytes=10)


async def test_a_reply_larger_than_allowed_is_refused(transport: Transport) -> None:
    """A peer cannot fill our memory."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"x" * 100_000))

    async with peer(script) as heard:
        with pytest.raises(errors.ReplyTooLarge):
            await transport.get(Outgoing(url=heard.url), max_bytes=99_999)


async def test_a_redirection_is_a_reply_like_any_other(transport: Transport) -> None:
    """Nobody is sent where they did not ask to go, credentials in hand."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"", status="302 Found", headers=b"Location: http://127.0.0.1:1/\r\n"))

    async with peer(script) as heard:
        answer = await transport.get(Outgoing(url=heard.url), max_bytes=10)
    assert answer.status == 302


async def test_a_fetch_asks_with_get_and_reads_as_it_arrives(transport: Transport) -> None:
    """A download is a GET whose body is read piece by piece."""
    more = asyncio.Event()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 206 X\r\nContent-Length: 4\r\n\r\nab")
        await more.wait()
        writer.write(b"cd")

    async with peer(script) as heard, transport.fetch(Outgoing(url=heard.url, headers={"Range": "bytes=2-"})) as reply:
        pieces = reply.pieces()
        assert (reply.status, await anext(pieces)) == (206, b"ab")
        more.set()
        assert await anext(pieces) == b"cd"
        assert heard.heads[0].startswith(b"GET ")
        assert b"Range: bytes=2-" in heard.heads[0]
