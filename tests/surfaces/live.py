"""The application under uvicorn on a loopback port of this process, and a client that speaks bare HTTP/1.1 to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import msgspec

from glmgate.surfaces.application import Application
from glmgate.surfaces.server import Server, listening, make
from glmgate.surfaces.settings import ServerSettings
from tests.fakes.gateway import KEY, FakeGateway
from tests.surfaces.asgi_client import Response
from tests.surfaces.conftest import application

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Live:
    """A running server."""

    server: Server
    application: Application
    port: int

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """A connection, closed at the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Send a request with `body` as JSON and our key."""
        await self.send(post(path, body, headers))

    async def response(self) -> Response:
        """Read one whole answer."""
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            return Response(status, headers, [piece async for piece in self.chunks()])
        length = int(headers.get("content-length", "0"))
        return Response(status, headers, [await self.reader.readexactly(length)])

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read status and headers."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").strip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), dict(pairs)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Read the chunks of a body."""
        while size := int((await self.reader.readline()).strip(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def is_closed(self) -> bool:
        """Wait for the server to close; False when it sent something instead."""
        return await self.reader.read(1) == b""


def post(path: str, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    fields = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {KEY}",
        "Content-Length": str(len(data)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data


@contextlib.asynccontextmanager
async def serving(gateway: FakeGateway, **settings: object) -> AsyncIterator[Live]:
    """A server for `gateway`, stopped at the end."""
    given = msgspec.convert({"port": 0, "shutdown_grace_s": 2} | settings, ServerSettings)
    ready = asyncio.Event()
    with listening(given) as sockets:
        app = application(gateway, given)
        server = make(app, given, sockets, on_ready=lambda *_: ready.set())
        port = sockets[0].getsockname()[1]
        task = asyncio.create_task(server.serve(sockets))
        await ready.wait()
        try:
            yield Live(server, app, port)
        finally:
            server.should_exit = True
            await task


async def until(condition: Callable[[], object], *, within_s: float) -> float:
    """Wait until `condition()` holds; how many seconds that took. Fails when it takes longer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < within_s, "it took too long"
        await asyncio.sleep(0.002)
    return loop.time() - began
