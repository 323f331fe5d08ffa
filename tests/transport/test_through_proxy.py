"""Requests through a real proxy on this machine: plain ones and tunnels."""

from __future__ import annotations

import asyncio
import base64
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from glmgate.transport import errors
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Outgoing
from glmgate.transport.proxies import Proxies
from tests.transport.authority import authority
from tests.transport.loopback import peer, read_head, reply

CREDENTIALS = b"Proxy-Authorization: Basic " + base64.b64encode(b"me:hidden")


@dataclass
class Proxy:
    """Sends whatever it gets to `port` of this machine, whichever host was named; refuses where there is no port."""

    port: int | None
    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.serving.add(asyncio.current_task())
        head = await read_head(reader)
        self.heads.append(head)
        if self.port is None:
            writer.write(reply(b"", status="403 Forbidden"))
            writer.close()
            return
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", self.port)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            onward.write(head)
        await asyncio.gather(relay(reader, onward), relay(onward_reader, writer))


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes from one side to the other, until one of them ends."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def proxy(port: int | None) -> AsyncIterator[Proxy]:
    """A proxy in front of a port."""
    made = Proxy(port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://me:hidden@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    await asyncio.wait_for(asyncio.gather(*(task for task in made.serving if task)), 5)


async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A whole reply."""
    writer.write(reply(b"ok"))


def port_of(url: str) -> int:
    """The port in a URL of a peer."""
    return int(url.rstrip("/").rpartition(":")[2])


async def test_a_plain_url_is_asked_for_at_the_proxy() -> None:
    """The whole URL stands in the request, and the proxy's credentials beside it."""
    async with peer(answer) as heard, proxy(port_of(heard.url)) as through:
        transport = AiohttpTransport(proxies=Proxies(http=through.url))
        got = await transport.post(Outgoing(url="http://api.test/v1", body=b"{}"), max_bytes=10)
        await transport.aclose()
    assert got.body == b"ok"
    assert through.heads[0].startswith(b"POST http://api.test/v1 HTTP/1.1\r\n")
    assert CREDENTIALS in through.heads[0]


async def test_an_https_url_is_asked_through_a_tunnel(tmp_path: Path) -> None:
    """The proxy sees the host's name and nothing of the request; the certificate is checked to the end."""
    trusted = authority(tmp_path, "api.test")
    async with peer(answer, tls=trusted.server) as heard, proxy(port_of(heard.url)) as through:
        transport = AiohttpTransport(proxies=Proxies(https=through.url), authorities=trusted.file)
        request = Outgoing(url="https://api.test/v1", headers={"Authorization": "Bearer secret"}, body=b"{}")
        got = await transport.post(request, max_bytes=10)
        await transport.aclose()
    assert got.body == b"ok"
    assert through.heads[0].startswith(b"CONNECT api.test:443 HTTP/1.1\r\n")
    assert CREDENTIALS in through.heads[0]
    assert b"secret" not in through.heads[0]
    assert b"hidden" not in heard.heads[0]


async def test_a_tunnel_to_somebody_else_is_refused(tmp_path: Path) -> None:
    """A proxy that breaks TLS open is noticed."""
    async with (
        peer(answer, tls=authority(tmp_path, "api.test").server) as heard,
        proxy(port_of(heard.url)) as through,
    ):
        transport = AiohttpTransport(proxies=Proxies(https=through.url))
        with pytest.raises(errors.TlsFailed):
            await transport.post(Outgoing(url="https://api.test/v1", body=b"{}"), max_bytes=10)
        await transport.aclose()
    assert heard.heads == []


async def test_a_proxy_that_refuses_is_named_as_such_without_its_password() -> None:
    """Nothing has reached the peer."""
    async with proxy(None) as through:
        transport = AiohttpTransport(proxies=Proxies(https=through.url))
        with pytest.raises(errors.ProxyFailed) as told:
            await transport.get(Outgoing(url="https://api.test/v1"), max_bytes=10)
        await transport.aclose()
    assert "hidden" not in "".join(traceback.format_exception(told.value))


async def test_a_proxy_that_is_not_there_is_named_as_such() -> None:
    """The operator looks at the proxy, not at the service."""
    async with proxy(None) as through:
        url = through.url
    transport = AiohttpTransport(proxies=Proxies(https=url))
    with pytest.raises(errors.ProxyFailed):
        await transport.get(Outgoing(url="https://api.test/v1"), max_bytes=10)
    await transport.aclose()


async def test_this_machine_is_asked_directly() -> None:
    """Whatever the environment says: a proxy elsewhere could not reach it."""
    async with peer(answer) as heard, proxy(None) as through:
        transport = AiohttpTransport(proxies=Proxies(http=through.url))
        got = await transport.get(Outgoing(url=heard.url), max_bytes=10)
        await transport.aclose()
    assert (got.body, through.heads) == (b"ok", [])
