"""A service that always answers the same at once, plain or streamed: what is measured is the gateway before it.

Raw bytes over kept connections, on the loop of who measures; nothing of it is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from typing_extensions import override

MODEL: Final = "glm-4.6"
TEXT: Final = "It is sunny at 22 degrees; a light jacket will do. " * 4
USAGE: Final = {"prompt_tokens": 120, "completion_tokens": 48, "total_tokens": 168}
CHUNKS: Final = 20

_HEAD: Final = {"id": "2026", "created": 1, "model": MODEL}


def plain_body() -> bytes:
    """A whole answer."""
    message = {"role": "assistant", "content": TEXT}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return msgspec.json.encode(_HEAD | {"object": "chat.completion", "choices": choices, "usage": USAGE})


def streamed_body() -> bytes:
    """The same in pieces, as events."""
    head = _HEAD | {"object": "chat.completion.chunk"}
    size = -(-len(TEXT) // CHUNKS)
    pieces = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
    deltas = [{"index": 0, "delta": {"role": "assistant", "content": piece}} for piece in pieces]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    events = [head | {"choices": [each]} for each in deltas] + [head | {"choices": [end], "usage": USAGE}]
    return b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def _reply(kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Service(asyncio.Protocol):
    """One connection, one request after the other."""

    plain = _reply("application/json", plain_body())
    streamed = _reply("text/event-stream", streamed_body())

    def __init__(self) -> None:
        self._read = b""
        self._transport: asyncio.WriteTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._read += data
        head, blank, body = self._read.partition(b"\r\n\r\n")
        if not blank or len(body) < _length(head):
            return
        self._read = b""
        assert self._transport is not None
        self._transport.write(self.streamed if b'"stream":true' in body else self.plain)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The service's base URL while the block runs."""
    server = await asyncio.get_running_loop().create_server(_Service, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"
