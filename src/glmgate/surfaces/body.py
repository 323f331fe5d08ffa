"""Reading request bodies within bounds: of one body, of all bodies together, and of time.

What a body means is not known here.
"""

from __future__ import annotations

import asyncio

from glmgate.errors import BodyTimedOut, BodyTooLarge, BodyUnreadable, EncodingRefused, Unavailable
from glmgate.surfaces.asgi import Receive
from glmgate.surfaces.presence import ClientGone
from glmgate.surfaces.request import Request
from glmgate.surfaces.settings import ServerSettings

MIN_RATE = 64 * 1024
"""Bytes per second that a body has to bring once its first time is over: a slow line may send 32 MiB of images, but a
body of one byte per second ends (Apache's `mod_reqtimeout` does the same with `MinRate`)."""

_RETRY_AFTER_S = 1.0


class BodyBudget:
    """The bytes that all bodies in memory may have together."""

    __slots__ = ("_limit", "_used")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._used = 0

    @property
    def used_bytes(self) -> int:
        """The bytes that are held now."""
        return self._used

    def take(self, size: int) -> None:
        """Count `size` bytes more. Raises Unavailable when they don't fit."""
        if self._used + size > self._limit:
            raise Unavailable(
                "The server holds as many request bodies as it may. Try again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._used += size

    def give_back(self, size: int) -> None:
        """`size` bytes are no longer held."""
        self._used -= size


class BodyReader:
    """Reads one request's body. What it holds counts against the budget until `close`."""

    __slots__ = ("_budget", "_held", "_receive", "_request", "_settings")

    def __init__(self, request: Request, receive: Receive, settings: ServerSettings, budget: BodyBudget) -> None:
        self._request = request
        self._receive = receive
        self._settings = settings
        self._budget = budget
        self._held = 0

    async def read(self) -> bytes:
        """The whole body.

        Raises EncodingRefused, BodyTooLarge, BodyTimedOut, Unavailable, BodyUnreadable, ClientGone.
        """
        self._check_head()
        loop = asyncio.get_running_loop()
        started = loop.time() + self._settings.body_timeout_s
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout_at(started) as limit:
                while await self._next(pieces):
                    limit.reschedule(started + self._held / MIN_RATE)
        except TimeoutError as exc:
            raise BodyTimedOut(
                f"The body did not arrive in time: {self._held} bytes came. Send it at once and faster."
            ) from exc
        self._request.body_is_read = True
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """The body is no longer needed."""
        self._budget.give_back(self._held)
        self._held = 0

    def _check_head(self) -> None:
        """Refuse by the headers alone what can be refused by them."""
        encoding = self._request.headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding.strip().lower() not in {"", "identity"}:
            raise EncodingRefused(f"A body in the encoding {encoding!r} is not read. Send it as it is.")
        length = self._request.headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise BodyUnreadable(f"The content-length {length.decode('latin-1')!r} is no number.")
        self._check_size(int(length))

    def _check_size(self, size: int) -> None:
        most = self._settings.max_body_bytes
        if size > most:
            raise BodyTooLarge(f"The body is larger than {most} bytes. Send less, or raise max_body_bytes.")

    async def _next(self, pieces: list[bytes]) -> bool:
        """Take one piece; whether more follow."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if piece := message.get("body", b""):
            self._check_size(self._held + len(piece))
            self._budget.take(len(piece))
            self._held += len(piece)
            pieces.append(piece)
        return bool(message.get("more_body", False))


def is_costly_to_skip(request: Request, small_bytes: int = 64 * 1024) -> bool:
    """Whether an unread body is better cut off than skipped to keep the connection.

    It is when it is large, when its size is unknown, and when the client waits for `100 Continue`: whether it then
    sends the body at all is its choice (RFC 9110, section 10.1.1), so where the next request begins is unknown.
    """
    if request.body_is_read:
        return False
    headers = request.headers
    if b"transfer-encoding" in headers or b"expect" in headers:
        return True
    length = headers.get(b"content-length", b"0")
    return not length.isdigit() or int(length) > small_bytes
