"""One HTTP/1.1 connection of a loopback service, on bare asyncio: it can also say what no HTTP library would.

What is answered is decided elsewhere (`service`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
JSON: Final = "application/json; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came in; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes


class Left(Exception):
    """The other side closed the connection while it was being answered."""


@dataclass(slots=True)
class Connection:
    """Reads requests and writes answers. `open`: an answer has begun that has not ended."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def requests(self) -> AsyncIterator[HttpRequest]:
        """One request after the other, until the other side closes."""
        while True:
            try:
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except asyncio.IncompleteReadError:
                return
            first, *lines = head.split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            content = await self._content(headers)
            yield HttpRequest(method, path, headers, content)

    async def _content(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        pieces = []
        while size := int(await self.reader.readline(), 16):
            pieces.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return b"".join(pieces)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """While inside, `left` is set as soon as the other side closes; no client of ours sends ahead."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _watch(self) -> None:
        with contextlib.suppress(ConnectionError):
            if await self.reader.read(1):
                raise AssertionError("a second request came before the first was answered")
        self.left.set()

    async def wait(self, seconds: float) -> None:
        """Let time pass. Raises Left when the other side closes meanwhile."""
        if self.left.is_set():
            raise Left
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.left.wait(), seconds)
                raise Left

    async def whole(
        self, status: int, body: bytes, *, kind: str = JSON, headers: Mapping[str, str] = NO_HEADERS, missing: int = 0
    ) -> None:
        """An answer with its length; `missing` bytes more are announced than come."""
        length = {"Content-Length": str(len(body) + missing)}
        self.writer.write(_head(status, {"Content-Type": kind} | length | dict(headers)) + body)
        await self.writer.drain()

    async def whole_json(self, status: int, body: object, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """An answer in JSON, with characters as they are."""
        await self.whole(status, json.dumps(body, ensure_ascii=False).encode(), headers=headers)

    async def begin(self, *, kind: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """The head of an answer whose length is not known."""
        chunked = {"Content-Type": kind, "Transfer-Encoding": "chunked"}
        self.writer.write(_head(200, chunked | dict(headers)))
        await self.writer.drain()

    async def piece(self, data: bytes) -> None:
        """A piece of it. Raises Left when the other side has closed."""
        if self.left.is_set():
            raise Left
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self.writer.drain()

    async def end(self) -> None:
        """Its end."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def cut(self) -> None:
        """Close, whatever was announced."""
        await self.writer.drain()
        self.writer.close()

    def reset(self) -> None:
        """Close so that the other side sees a reset instead of an end."""
        found: socket.socket = self.writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
