"""What two processes of ours ask of each other over a channel: answers, and things to hold until they are given back.

What is held is given back too when the process that holds it ends, however it ends. What it is, is not known here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from glmgate.errors import GlmgateError, InternalError, Unavailable
from glmgate.transport.channel import Channel, opened
from glmgate.wire.error_data import as_data, from_data

_log = logging.getLogger(__name__)

# The first member of a message: what it is. The second is the number of what is asked or held, the rest its values.
_ASK: Final = 0
_HOLD: Final = 1
_DROP: Final = 2
_NOTE: Final = 3
_TELL: Final = 4
_ANSWER: Final = 5
_REFUSAL: Final = 6

Note = Callable[[str], None]
_Work = Callable[[int, str, tuple[Any, ...]], Coroutine[Any, Any, None]]


def no_notes(_: str) -> None:
    """What is held and takes no notes."""


@dataclass(frozen=True, slots=True)
class Lent:
    """Something that the other side may hold: what it is told of it, and what it may say to it in the meantime."""

    value: Any = None
    note: Note = no_notes


@dataclass(frozen=True, slots=True)
class Services:
    """What the other side may ask for, by name. Values are what MessagePack has."""

    asks: Mapping[str, Callable[..., Awaitable[Any]]] = field(default_factory=dict)
    holds: Mapping[str, Callable[..., AbstractAsyncContextManager[Lent]]] = field(default_factory=dict)
    tells: Mapping[str, Callable[..., None]] = field(default_factory=dict)


class Held:
    """Something of the other side's, until it is released."""

    __slots__ = ("_number", "_peer", "value")

    def __init__(self, peer: Peer, number: int, value: Any) -> None:  # noqa: ANN401 -- whatever was lent
        self._peer = peer
        self._number = number
        self.value = value

    def note(self, what: str) -> None:
        """Say something to what is held."""
        self._peer.send(_NOTE, self._number, what)

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        self._peer.send(_DROP, self._number)


class Peer:
    """The other process. `lost` is set when it is gone."""

    def __init__(self, services: Services) -> None:
        self.lost = asyncio.Event()
        self._services = services
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._lent: dict[int, asyncio.Task[None]] = {}
        self._notes: dict[int, Note] = {}
        self._channel: Channel | None = None
        self._receivers: Mapping[int, Callable[..., None]] = {
            _ASK: self._on_ask,
            _HOLD: self._on_hold,
            _DROP: self._on_drop,
            _NOTE: self._on_note,
            _TELL: self._on_tell,
            _ANSWER: self._on_answer,
            _REFUSAL: self._on_refusal,
        }

    async def open(self, end: socket.socket) -> None:
        """Speak over this end of a pair of sockets."""
        self._channel = await opened(end, self._receive, self._on_lost)

    def close(self) -> None:
        """Give everything back, and say no more."""
        if self._channel is not None:
            self._channel.close()

    # -- what is wanted of the other side ---------------------------------------------------------------------------

    async def ask(self, what: str, *values: Any) -> Any:  # noqa: ANN401 -- what the other side answers
        """The other side's answer. Raises its error, and Unavailable where it is gone."""
        return await self._answer(_ASK, next(self._numbers), what, values)

    async def take(self, what: str, *values: Any) -> Held:  # noqa: ANN401 -- what the other side knows
        """Hold something until it is released. Raises the other side's error, and Unavailable where it is gone."""
        number = next(self._numbers)
        return Held(self, number, await self._answer(_HOLD, number, what, values))

    @asynccontextmanager
    async def hold(self, what: str, *values: Any) -> AsyncIterator[Any]:  # noqa: ANN401 -- what was lent
        """Hold something while the block runs."""
        held = await self.take(what, *values)
        try:
            yield held.value
        finally:
            held.release()

    def tell(self, what: str, *values: Any) -> None:  # noqa: ANN401 -- what the other side knows
        """Say something that needs no answer."""
        self.send(_TELL, 0, what, *values)

    def send(self, *message: object) -> None:
        """Send a message, where the other side is still there."""
        if self._channel is not None:
            self._channel.send(message)

    async def _answer(self, kind: int, number: int, what: str, values: tuple[Any, ...]) -> Any:  # noqa: ANN401
        if self._channel is None or not self._channel.is_open:
            raise _gone()
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self.send(kind, number, what, *values)
        try:
            return await answer
        except asyncio.CancelledError:
            self.send(_DROP, number)  # it may have been granted in this moment
            raise
        finally:
            self._asked.pop(number, None)

    # -- what the other side wants ----------------------------------------------------------------------------------

    def _receive(self, message: Any) -> None:  # noqa: ANN401 -- a decoded message
        kind, number, *values = message
        self._receivers[kind](number, *values)

    def _on_ask(self, number: int, what: str, *values: Any) -> None:  # noqa: ANN401 -- decoded
        self._begin(number, self._tell_answer, what, values)

    def _on_hold(self, number: int, what: str, *values: Any) -> None:  # noqa: ANN401 -- decoded
        self._begin(number, self._lend, what, values)

    def _on_drop(self, number: int) -> None:
        if (task := self._lent.get(number)) is not None:
            task.cancel()

    def _on_note(self, number: int, what: str) -> None:
        if (note := self._notes.get(number)) is not None:
            note(what)

    def _on_tell(self, _: int, what: str, *values: Any) -> None:  # noqa: ANN401 -- decoded
        self._services.tells[what](*values)

    def _on_answer(self, number: int, value: Any) -> None:  # noqa: ANN401 -- decoded
        if (answer := self._asked.get(number)) is not None and not answer.done():
            answer.set_result(value)

    def _on_refusal(self, number: int, error: dict[str, Any]) -> None:
        if (answer := self._asked.get(number)) is not None and not answer.done():
            answer.set_exception(from_data(error))

    def _on_lost(self) -> None:
        self.lost.set()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(_gone())
        for task in self._lent.values():
            task.cancel()

    def _begin(self, number: int, work: _Work, what: str, values: tuple[Any, ...]) -> None:
        task = self._lent[number] = asyncio.create_task(self._told(number, work, what, values))
        task.add_done_callback(lambda _: self._lent.pop(number, None))

    async def _told(self, number: int, work: _Work, what: str, values: tuple[Any, ...]) -> None:
        """Do it, and tell the other side why it failed."""
        try:
            await work(number, what, values)
        except GlmgateError as error:
            self.send(_REFUSAL, number, as_data(error))
        except Exception:  # noqa: BLE001 -- a fault of ours: it is told, and the other process must not wait for ever
            _log.exception("what another process of ours asked for has failed")
            self.send(_REFUSAL, number, as_data(InternalError("The server has a fault; its log says more.")))

    async def _tell_answer(self, number: int, what: str, values: tuple[Any, ...]) -> None:
        self.send(_ANSWER, number, await self._services.asks[what](*values))

    async def _lend(self, number: int, what: str, values: tuple[Any, ...]) -> None:
        async with self._services.holds[what](*values) as lent:
            self._notes[number] = lent.note
            self.send(_ANSWER, number, lent.value)
            try:
                await asyncio.get_running_loop().create_future()  # until it is dropped
            finally:
                del self._notes[number]


def _gone() -> Unavailable:
    return Unavailable("The server is shutting down.", retry_after_s=1.0)
