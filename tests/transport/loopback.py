"""A loopback peer that says exactly what a test tells it to, byte by byte, over TCP or a UNIX socket."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """What was heard: the heads of requests, their bodies, and how many connections were made and have ended."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    made: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)


def reply(body: bytes, *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    """A whole reply with a length."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), len(body), headers, body)


@asynccontextmanager
async def peer(script: Script, *, socket: Path | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A peer that reads one request after the other and answers each with `script`."""
    heard = Peer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.made += 1
        try:
            while head := await read_head(reader):
                heard.heads.append(head)
                heard.bodies.append(await reader.readexactly(length_of(head)))
                await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            heard.gone.set()
            writer.close()

    if socket is None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        heard.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    else:
        server = await asyncio.start_unix_server(serve, socket)
        heard.url = "http://peer/"
    try:
        yield heard
    finally:
        server.close()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """The request's head; empty when the other side has closed."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def length_of(head: bytes) -> int:
    """The length that a request's head announces."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
