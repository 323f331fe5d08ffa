"""Books that others look into: whoever watches attempts is told of each as the books are, and changes nothing.

What the books decide stands: an attempt that they refuse is no attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from glmgate.wire.charge import ONE_CALL, Units
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Books, Call, Entry, Generation, Place


class AttemptObserver(Protocol):
    """Told of each attempt when it is about to be made."""

    def attempt(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> Entry | None:
        """Who is told what comes of it; None: nobody."""
        ...


class WatchedBooks:
    """`books`, watched. Implements `wire.engine.Books`.

    Observers are asked last, with no wait between them and the sending: what they put on the call goes out with it.
    """

    def __init__(self, books: Books, observers: Sequence[AttemptObserver]) -> None:
        self._books = books
        self._observers = tuple(observers)

    async def reserve(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> Entry:
        """As the books do."""
        entry = await self._books.reserve(call, place, request)
        told = [one for each in self._observers if (one := each.attempt(call, place, request)) is not None]
        return Entries((entry, *told)) if told else entry


class Entries:
    """Several entries as one."""

    __slots__ = ("_entries",)

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._entries: Final = entries

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """These deltas came."""
        for entry in self._entries:
            entry.saw(deltas)

    def whole(self, usage: Usage | None, units: Units = ONE_CALL) -> None:
        """An answer without deltas came."""
        for entry in self._entries:
            entry.whole(usage, units)

    def ended(self) -> None:
        """The deltas have come to their end."""
        for entry in self._entries:
            entry.ended()

    def failed(self, error: BaseException) -> None:
        """The attempt was stopped by `error`."""
        for entry in self._entries:
            entry.failed(error)

    def left(self) -> None:
        """The reader left."""
        for entry in self._entries:
            entry.left()


class Heard:
    """An attempt as one observer hears it: its first words, its tokens, and its one end (`over`)."""

    __slots__ = ("_is_over", "reasons", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.reasons: list[str] = []
        self._is_over = False

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """Keep the tokens and why choices end, and tell how much was said."""
        said = 0
        for delta in deltas:
            said += delta.says_something
            if delta.usage is not None:
                self.usage = delta.usage
            if delta.finish_reason is not None:
                self.reasons.append(delta.finish_reason)
        if said and not self._is_over:
            self.said(said)

    def whole(self, usage: Usage | None, units: Units = ONE_CALL) -> None:  # noqa: ARG002 # the Protocol's
        """An answer without deltas came."""
        self.usage = usage
        self._end("ok")

    def ended(self) -> None:
        """The deltas have come to their end."""
        self._end("ok")

    def failed(self, error: BaseException) -> None:
        """The attempt was stopped by `error`; being cancelled is leaving."""
        self._end("failed" if isinstance(error, Exception) else "left", error)

    def left(self) -> None:
        """The reader left; one that has seen the answer's end has all of it."""
        self._end("ok" if self.reasons else "left")

    def said(self, pieces: int) -> None:
        """So many deltas that say something came in one read."""

    def over(self, how: str, error: BaseException | None) -> None:
        """It is over: `ok`, `failed` by an error, or `left`. Told once."""

    def _end(self, how: str, error: BaseException | None = None) -> None:
        if not self._is_over:
            self._is_over = True
            self.over(how, error)
