"""TLS: certificates are checked, always, and leaving closes at once here, too."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.transport import errors
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Outgoing
from glmgate.transport.tls import context
from tests.transport.authority import authority
from tests.transport.loopback import peer, reply


async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A whole reply."""
    writer.write(reply(b"hidden from others"))


async def test_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    """An authority of the operator's own is enough."""
    trusted = authority(tmp_path, "127.0.0.1")
    transport = AiohttpTransport(authorities=trusted.file)
    async with peer(answer, tls=trusted.server) as heard:
        got = await transport.get(Outgoing(url=heard.url), max_bytes=100)
    await transport.aclose()
    assert got.body == b"hidden from others"


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    """Nothing is sent to whom nobody vouches for."""
    transport = AiohttpTransport()
    async with peer(answer, tls=authority(tmp_path, "127.0.0.1").server) as heard:
        with pytest.raises(errors.TlsFailed):
            await transport.post(Outgoing(url=heard.url, body=b"secret"), max_bytes=100)
    await transport.aclose()
    assert heard.heads == []


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """A good certificate of somebody else is as bad as none."""
    other = authority(tmp_path, "elsewhere.test")
    transport = AiohttpTransport(authorities=other.file)
    async with peer(answer, tls=other.server) as heard:
        with pytest.raises(errors.TlsFailed):
            await transport.get(Outgoing(url=heard.url), max_bytes=100)
    await transport.aclose()
    assert heard.heads == []


async def test_a_peer_without_tls_is_refused() -> None:
    """Plain HTTP behind an https URL is no connection."""
    transport = AiohttpTransport()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(errors.TransportError):
        await transport.get(Outgoing(url=f"https://127.0.0.1:{port}/"), max_bytes=100)
    server.close()
    await transport.aclose()


async def test_leaving_a_stream_over_tls_closes_it_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    """No farewell is waited for: the peer sees the end and can stop working."""
    trusted = authority(tmp_path, "127.0.0.1")
    transport = AiohttpTransport(authorities=trusted.file)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await reader.read()

    async with peer(script, tls=trusted.server) as heard:
        async with transport.stream(Outgoing(url=heard.url)) as stream:
            await anext(stream.pieces())
            left = time.monotonic()
        await asyncio.wait_for(heard.gone.wait(), 5)
        waited = time.monotonic() - left
    await transport.aclose()
    assert waited < 0.1


def test_a_file_that_holds_no_certificates_stops_the_start(tmp_path: Path) -> None:
    """It is named, and nothing goes on without it."""
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with pytest.raises(SettingsError, match=r"bad\.pem"):
        context(bad)
