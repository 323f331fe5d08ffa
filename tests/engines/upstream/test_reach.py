"""Tests of the way to an origin: real sockets on loopback, proxies that let through and those that do not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from glmgate.engines.upstream.reach import Hop, reach


@asynccontextmanager
async def listening(says: bytes | None = b"") -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port that answers the first thing it hears with `says`, with None never; what it heard."""
    heard: list[bytes] = []
    stop, handlers = asyncio.Event(), set[asyncio.Task[None]]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            heard.append(await reader.read(4096))
            if says is None:
                await stop.wait()
            else:
                writer.write(says)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.create_task(handle(reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard
        stop.set()
        await asyncio.sleep(0.05)  # a connection may have been accepted whose handler has not begun
        await asyncio.gather(*handlers)


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_an_address_needs_no_name() -> None:
    """Nothing is looked up, and nothing is said without TLS."""
    async with listening() as (port, heard):
        found = await reach(f"http://127.0.0.1:{port}")
    assert (found.fault, found.dns_ms, found.addresses, found.tls) == (None, None, ("127.0.0.1",), None)
    assert found.connect_ms is not None
    assert heard in ([], [b""])


async def test_a_name_is_looked_up() -> None:
    """Its addresses are tried one after the other: `localhost` has two on many machines, of which one listens."""
    async with listening() as (port, _):
        found = await reach(f"http://localhost:{port}")
    assert found.fault is None
    assert found.dns_ms is not None
    assert "127.0.0.1" in found.addresses


@pytest.mark.parametrize("name", ["nowhere.test", "a..b", "x" * 70])
async def test_a_name_that_is_none(name: str) -> None:
    """Unknown, or no name at all."""
    found = await reach(f"https://{name}")
    assert found.fault is not None
    assert (found.fault.kind, found.connect_ms) == ("dns", None)


async def test_nobody_listens() -> None:
    """The system's words are kept."""
    found = await reach(f"http://127.0.0.1:{free_port()}")
    assert found.fault is not None
    assert found.fault.kind == "refused"
    assert "Connect call failed" in found.fault.detail


async def test_a_server_that_never_answers_a_handshake_is_not_waited_for() -> None:
    """A firewall that takes connections and forwards nothing."""
    async with listening(None) as (port, _):
        found = await reach(f"https://127.0.0.1:{port}", timeout_s=0.2)
    assert found.fault is not None
    assert found.fault.kind == "silent"


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_a_server_without_tls(says: bytes) -> None:
    """It answers a handshake with HTTP, or hangs up."""
    async with listening(says) as (port, _):
        found = await reach(f"https://127.0.0.1:{port}", timeout_s=5)
    assert found.fault is not None
    assert found.fault.kind == "tls"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "SSH"),
        (b"", "does not answer CONNECT"),
    ],
)
async def test_a_proxy_that_does_not_let_through(says: bytes, words: str) -> None:
    """Each in the proxy's own words; the origin's name is left to the proxy."""
    async with listening(says) as (port, heard):
        found = await reach("https://service.test", hop=Hop.of(f"http://127.0.0.1:{port}"), timeout_s=5)
    assert found.fault is not None
    assert found.fault.kind == "proxy"
    assert words in found.fault.detail
    assert heard[0].startswith(b"CONNECT service.test:443 HTTP/1.1\r\nHost: service.test:443\r\n")


async def test_a_proxy_gets_its_credentials_and_nobody_sees_them() -> None:
    """As RFC 7617 writes them, decoded from the URL."""
    async with listening(b"HTTP/1.1 407 No\r\n\r\n") as (port, heard):
        hop = Hop.of(f"http://me:sesame%21@127.0.0.1:{port}")
        found = await reach("https://service.test", hop=hop, timeout_s=5)
    assert b"Proxy-Authorization: Basic bWU6c2VzYW1lIQ==\r\n" in heard[0]
    assert "sesame" not in f"{found!r} {hop} {hop!r}"
    assert "bWU6" not in f"{found!r} {hop!r}"


async def test_behind_a_proxy_that_lets_through_the_handshake_is_with_the_origin() -> None:
    """What comes after the proxy's 200 is the origin's; here it is no TLS."""
    async with listening(b"HTTP/1.1 200 Connection established\r\n\r\nnot TLS at all") as (port, _):
        found = await reach("https://service.test", hop=Hop.of(f"http://127.0.0.1:{port}"), timeout_s=5)
    assert found.fault is not None
    assert found.fault.kind == "tls"


async def test_a_dead_proxy_is_the_proxys_fault() -> None:
    """Not the service's."""
    found = await reach("https://service.test", hop=Hop.of(f"http://127.0.0.1:{free_port()}"))
    assert found.fault is not None
    assert found.fault.kind == "proxy"
