"""A load client so thin that it measures the server: streamed chats over TCP or a UNIX socket, on bare asyncio streams.

It knows nothing of what is compared with what.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """Where chats are sent: a UNIX socket, or a port of this machine; and the key that opens it."""

    name: str
    key: str
    socket: Path | None = None
    port: int = 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection."""
        if self.socket is not None:
            return await asyncio.open_unix_connection(str(self.socket))
        return await asyncio.open_connection("127.0.0.1", self.port)


@dataclass(frozen=True, slots=True)
class Streamed:
    """One answer: seconds to its first token and to its end, and its tokens as the server counted them."""

    first_s: float
    total_s: float
    tokens: int


async def chat(target: Target, body: dict[str, Any]) -> Streamed:
    """Stream one chat to its end. Raises RuntimeError when it is not answered well."""
    began = time.perf_counter()
    reader, writer = await target.connect()
    try:
        writer.write(_request(target, body))
        await writer.drain()
        first, tokens = await _read(reader)
    finally:
        writer.close()
    return Streamed(first - began, time.perf_counter() - began, tokens)


async def chats(target: Target, bodies: Sequence[dict[str, Any]]) -> float:
    """All of `bodies` at once; the tokens per second that they made together."""
    began = time.perf_counter()
    answers = await asyncio.gather(*(chat(target, body) for body in bodies))
    return sum(answer.tokens for answer in answers) / (time.perf_counter() - began)


def _request(target: Target, body: dict[str, Any]) -> bytes:
    data = json.dumps(body | {"stream": True, "stream_options": {"include_usage": True}}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {target.key}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def _read(reader: asyncio.StreamReader) -> tuple[float, int]:
    """The time of the first token, and the number of tokens."""
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"not answered: {status!r} {(await reader.read())[-500:]!r}")
    first, tokens, rest = 0.0, 0, b""
    while read := await reader.read(READ_BYTES):
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                raise RuntimeError(f"failed: {event['error']}")
            if not first and _says_something(event):
                first = time.perf_counter()
            tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
    if not tokens:
        raise RuntimeError("the stream ended without usage")
    return first or time.perf_counter(), tokens


def _says_something(event: dict[str, Any]) -> bool:
    deltas = [choice.get("delta", {}) for choice in event.get("choices", [])]
    return any(delta.get("content") or delta.get("reasoning_content") for delta in deltas)
