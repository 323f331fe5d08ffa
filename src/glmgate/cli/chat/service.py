"""A chat service over HTTP: its models, and answers as they arrive. The only module here that talks to the network.

What a status means is decided in `failures`, what a chunk means in `answer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from glmgate import __version__
from glmgate.cli.chat import failures
from glmgate.cli.chat.answer import Answer, AnswerFailed, AnswerUnreadable, Piece
from glmgate.cli.chat.failures import Asked, Refusal, ServiceFailed
from glmgate.cli.chat.place import Place
from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, StreamedReply, Timeouts, Transport

_ATTEMPTS: Final = 4
_MOST_BYTES: Final = 16 * 1024 * 1024
# A large model on a CPU reads a long conversation for minutes; who does not want to wait presses Ctrl-C.
_TIMEOUTS: Final = Timeouts(connect_s=10.0, first_s=900.0, idle_s=300.0)


class Watching(Protocol):
    """What is shown while an answer is under way."""

    def piece(self, piece: Piece) -> None:
        """Something of the answer has come."""
        ...

    def waiting(self, refusal: Refusal) -> None:
        """The service asked to wait; it is asked again then."""
        ...


class _Model(msgspec.Struct):
    id: str
    kind: str | None = None


class _Models(msgspec.Struct):
    data: list[_Model]


class Service:
    """The service at a place, asked over `transport`."""

    def __init__(self, transport: Transport, place: Place) -> None:
        self._transport = transport
        self._place = place

    async def models(self) -> tuple[str, ...]:
        """The names of its models that can chat, as far as it says. Raises ServiceFailed."""
        asked = self._asked()
        try:
            reply = await self._transport.get(self._outgoing("/models"), max_bytes=_MOST_BYTES)
        except TransportError as error:
            raise ServiceFailed(failures.unreachable(error, asked=asked)) from error
        if reply.status != 200:
            raise ServiceFailed(
                failures.refusal(reply.status, reply.headers, reply.body, asked=asked, now=datetime.now(UTC)).line
            )
        try:
            listed = msgspec.json.decode(reply.body, type=_Models).data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise ServiceFailed(failures.not_a_service(asked, str(exc))) from exc
        return tuple(model.id for model in listed if model.kind in {None, "chat"})

    async def answer(self, body: bytes, into: Answer, *, model: str, images: bool, watching: Watching) -> None:
        """Ask, and fold the answer into `into` while it arrives. Raises ServiceFailed; `into` keeps what had come.

        Where the service says when to come back (429, 503), it is asked again then. Cancelling closes the connection.
        """
        asked = self._asked(model, images=images)
        for attempt in range(1, _ATTEMPTS + 1):
            refused = await self._once(body, into, asked, watching.piece)
            if refused is None:
                break
            if refused.wait_s is None or attempt == _ATTEMPTS:
                raise ServiceFailed(refused.line)
            watching.waiting(refused)
            await asyncio.sleep(refused.wait_s)
        if into.finish_reason is None:
            # `[DONE]` alone is no success: some services send it after an error.
            raise ServiceFailed("The answer ended without a finish reason: it may be cut off.")

    async def _once(self, body: bytes, into: Answer, asked: Asked, show: Callable[[Piece], None]) -> Refusal | None:
        try:
            async with self._transport.stream(self._outgoing("/chat/completions", body)) as reply:
                if reply.status != 200:
                    told = await reply.whole(_MOST_BYTES)
                    return failures.refusal(reply.status, reply.headers, told, asked=asked, now=datetime.now(UTC))
                await self._read(reply, into, show)
        except TransportError as error:
            raise ServiceFailed(failures.unreachable(error, asked=asked)) from error
        except AnswerFailed as error:
            raise ServiceFailed(failures.event_failure(error.error)) from error
        except AnswerUnreadable as error:
            raise ServiceFailed(failures.not_a_service(asked, str(error))) from error
        return None

    async def _read(self, reply: StreamedReply, into: Answer, show: Callable[[Piece], None]) -> None:
        if "json" in reply.headers.get("content-type", ""):
            show(into.whole(await reply.whole(_MOST_BYTES)))
            return
        async for data in reply.pieces():
            # Once for each read: where showing takes longer than writing, the reads grow, and nothing piles up.
            pieces = into.feed(data)
            show(Piece("".join(each.content for each in pieces), "".join(each.reasoning for each in pieces)))
            if into.done:
                return

    def _outgoing(self, path: str, body: bytes | None = None) -> Outgoing:
        headers = {"User-Agent": f"glmgate-chat/{__version__}", "Accept": "text/event-stream, application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._place.key:
            headers["Authorization"] = f"Bearer {self._place.key}"
        return Outgoing(url=self._place.base_url + path, headers=headers, body=body, timeouts=_TIMEOUTS)

    def _asked(self, model: str = "", *, images: bool = False) -> Asked:
        place = self._place
        return Asked(
            base_url=place.base_url, model=model, local=place.local, with_key=place.key is not None, images=images
        )
