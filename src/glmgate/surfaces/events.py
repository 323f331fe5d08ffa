"""A stream of events on its way to the client: headers as late as possible, comments in silence, one write at a time.

What the events say is written elsewhere (`wire.answers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from glmgate.surfaces.asgi import Header, Send
from glmgate.surfaces.request import Request
from glmgate.wire.sse import COMMENT

HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""The last one keeps nginx from collecting a stream before it hands it on."""


class EventStream:
    """Use it as a context; headers leave with the first bytes, or with the first comment if there are none.

    Until then nothing was sent, so that an error still has a status of its own (`request.streams` tells).
    """

    __slots__ = ("_comment_after_s", "_extra", "_last", "_lock", "_request", "_send", "_ticker")

    def __init__(
        self, request: Request, send: Send, *, comment_after_s: float, extra_headers: Callable[[], list[Header]]
    ) -> None:
        self._request = request
        self._send = send
        self._comment_after_s = comment_after_s
        self._extra = extra_headers
        self._lock = asyncio.Lock()
        self._last = 0.0
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._last = asyncio.get_running_loop().time()
        self._ticker = asyncio.create_task(self._comment())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the comments; whoever comes after may rely on nothing being in the middle of a write."""
        ticker = self._ticker
        if ticker is not None:
            ticker.cancel()
            await asyncio.wait((ticker,))
            if exc is None and not ticker.cancelled():
                ticker.result()

    async def write(self, data: bytes) -> None:
        """Send `data`, as fast as the client takes it."""
        if data:
            await self._put(data, more=True)

    async def end(self, data: bytes) -> None:
        """Send the last bytes."""
        await self._put(data, more=False)

    async def _put(self, data: bytes, *, more: bool) -> None:
        async with self._lock:  # comments are sent by a task of their own
            if not self._request.streams:
                self._request.streams = True
                headers = [*HEADERS, *self._extra()]
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
            self._last = asyncio.get_running_loop().time()

    async def _comment(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            silence = loop.time() - self._last
            if silence >= self._comment_after_s:
                await self._put(COMMENT, more=True)
                silence = 0.0
            await asyncio.sleep(self._comment_after_s - silence)
