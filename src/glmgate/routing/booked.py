"""An engine whose answers are put down in the books of the call: before it is asked, and however it is left.

What is put down is decided by the books; nothing of what goes by is changed.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from typing_extensions import override

from glmgate.errors import GlmgateError, QuotaExhausted
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Entry, Generation, Place
from glmgate.wire.tokenizer import TokenizerRequest


class Booked:
    """`engine`, which answers at `place`. Each call of it is one entry; counting costs nothing and is none."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._place = place

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas. Entering waits for the books first, and raises what they refuse."""
        return _Stream(self, call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input."""
        entry = await self.entered(call, request)
        try:
            embeddings = await self._engine.embed(call, request)
        except BaseException as exc:
            entry.failed(exc)
            raise
        entry.whole(Usage(prompt=embeddings.prompt_tokens))
        return embeddings

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """As the engine does."""
        return await self._engine.count(call, request)

    async def entered(self, call: Call, request: Generation | EmbeddingsRequest) -> Entry:
        """The entry of an attempt that may be made now. A refusal is the caller's, not the deployment's."""
        try:
            return await call.books.reserve(call, self._place, request)
        except GlmgateError as error:
            error.is_ours = True
            # Another deployment may be one that the budgets cover; all else would be refused there too.
            if error.remedy != "next" or not isinstance(error, QuotaExhausted):
                error.remedy = "tell"
            raise

    def asked(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """The engine's own answer."""
        return self._engine.stream(call, request)


class _Stream(AbstractAsyncContextManager[Deltas]):
    """One answer and its entry. No async generator: nothing in it is closed late."""

    __slots__ = ("_booked", "_call", "_deltas", "_entry", "_inner", "_request")

    def __init__(self, booked: Booked, call: Call, request: Generation) -> None:
        self._booked = booked
        self._call = call
        self._request = request
        self._entry: Entry | None = None
        self._inner: AbstractAsyncContextManager[Deltas] | None = None
        self._deltas: Deltas | None = None

    @override
    async def __aenter__(self) -> Deltas:
        entry = await self._booked.entered(self._call, self._request)
        inner = self._booked.asked(self._call, self._request)
        try:
            self._deltas = await inner.__aenter__()
        except BaseException as exc:
            entry.failed(exc)
            raise
        self._entry, self._inner = entry, inner
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entry, inner = self._entry, self._inner
        self._entry = self._inner = self._deltas = None
        if entry is None or inner is None:
            return
        entry.left()  # before closing, which may wait: what has been seen by now is all there is
        await inner.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read's deltas."""
        entry, deltas = self._entry, self._deltas
        if entry is None or deltas is None:
            raise StopAsyncIteration
        try:
            read = await deltas.__anext__()
        except StopAsyncIteration:
            entry.ended()
            raise
        except BaseException as exc:
            entry.failed(exc)
            raise
        entry.saw(read)
        return read
