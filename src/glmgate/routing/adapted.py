"""An engine that is asked only for what its profile allows, and whose answers have that undone.

What is changed and how is decided in `adaptation`; here its calls are made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self

import msgspec
from typing_extensions import override

from glmgate.adaptation.fit import Fitted, fit, fit_embeddings, fit_tokenizer, refuse_inexact
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.undo import Undo
from glmgate.adaptation.vectors import resized, truncated
from glmgate.adaptation.windows import Windows, cut, joined
from glmgate.adaptation.wordpiece import WordPiece
from glmgate.routing.batched import in_batches
from glmgate.routing.tally import ESTIMATED, Tally
from glmgate.wire.chat import GlmgateOptions
from glmgate.wire.delta import Delta
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation, Note
from glmgate.wire.tokenizer import TokenizerRequest

_VECTORS_AT_ONCE: Final = 32  # about 10 ms of work; then others get their turn


class Adapted:
    """`engine` behind `profile`. A change that a strict call does not allow is refused before the engine is asked.

    With a `reader` (called in threads, and again and again) texts are embedded as the token ids that it makes of them.
    """

    def __init__(self, engine: Engine, profile: Profile, *, reader: Callable[[], WordPiece] | None = None) -> None:
        self._engine = engine
        self._profile = profile
        self._reader = reader

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas, by as many calls of the engine as the adaptation takes."""
        return _Stream(self._engine, self._profile, call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input, in the dimensions that are asked for."""
        fitted, notes = fit_embeddings(request, self._profile)
        _report(call, notes, request.glmgate)
        embeddings = await self._embedded(call, fitted, strict=_is_strict(call, request.glmgate))
        wanted = request.dimensions
        if wanted is None or all(len(vector) == wanted for vector in embeddings.vectors):
            return embeddings
        if fitted.dimensions == wanted:  # the service was asked for them, and gave others
            own = len(embeddings.vectors[0])
            _report(call, (Note("dimensions", f"{own}->{wanted}", exact=wanted >= own),), request.glmgate)
        fit_vector = resized if fitted.dimensions is None else truncated
        vectors: list[tuple[float, ...]] = []
        for place, vector in enumerate(embeddings.vectors, start=1):
            vectors.append(fit_vector(vector, wanted))
            if place % _VECTORS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return msgspec.structs.replace(embeddings, vectors=tuple(vectors))

    async def _embedded(self, call: Call, request: EmbeddingsRequest, *, strict: bool) -> Embeddings:
        """The vectors in their own size; of texts that are longer than the model's window, from their pieces."""
        at_once = self._profile.inputs.at_once
        if self._reader is None:
            return await in_batches(self._engine, call, request, at_once=at_once)
        most = self._profile.inputs.most_tokens
        # In a thread: the vocabulary may have to be read first, and long texts take a second.
        windows = await asyncio.to_thread(_cut, self._reader, request, most=most, whole=strict)
        for note in windows.notes:
            call.note(note)
        return joined(await in_batches(self._engine, call, windows.request, at_once=at_once), windows)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The number of prompt tokens, of the messages as they would be sent."""
        fitted, notes = fit_tokenizer(request, self._profile)
        _report(call, notes, None)
        return await self._engine.count(call, fitted)


class _Stream(AbstractAsyncContextManager[Deltas]):
    """One answer. At most one call of the engine is open at a time; leaving closes it at once."""

    __slots__ = ("_call", "_closed", "_engine", "_fitted", "_inner", "_open", "_profile", "_request", "_tally")

    def __init__(self, engine: Engine, profile: Profile, call: Call, request: Generation) -> None:
        self._engine = engine
        self._profile = profile
        self._call = call
        self._request = request
        self._fitted: Fitted[Generation] | None = None
        self._open: AbstractAsyncContextManager[Deltas] | None = None
        self._inner: Deltas | None = None
        self._closed = False
        self._tally = Tally(request)

    @override
    async def __aenter__(self) -> Deltas:
        request = self._request
        self._fitted = fit(request, self._profile)
        _report(self._call, self._fitted.notes, request.glmgate)
        await self._ask(self._fitted.request)
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        await self._leave(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next deltas that the caller may see."""
        if self._fitted is None or self._closed:
            raise StopAsyncIteration
        while self._inner is not None:
            if out := await self._read(self._inner, self._fitted.undo):
                return out
        raise StopAsyncIteration

    async def _read(self, inner: Deltas, undo: Undo) -> tuple[Delta, ...]:
        deltas = await anext(inner, None)
        out = self._undone(deltas or (), undo)
        if deltas is not None and not undo.done:
            return out
        await self._leave()
        if deltas is not None:
            out += self._untold(undo)
        following = undo.follow_up()
        for note in undo.notes():
            self._call.note(note)
        if following is None:
            return out + undo.close()
        await self._ask(following)
        return out

    def _undone(self, deltas: tuple[Delta, ...], undo: Undo) -> tuple[Delta, ...]:
        for delta in deltas:
            self._tally.saw(delta)
        return tuple(after for delta in deltas for after in undo.feed(delta))

    def _untold(self, undo: Undo) -> tuple[Delta, ...]:
        """The usage of an answer that was left before it was told."""
        missing = self._tally.missing()
        if missing is None:
            return ()
        self._call.note(ESTIMATED)
        return undo.feed(missing)

    async def _ask(self, request: Generation) -> None:
        self._tally = Tally(request)
        opened = self._engine.stream(self._call, request)
        self._inner = await opened.__aenter__()
        self._open = opened

    async def _leave(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        opened, self._open, self._inner = self._open, None, None
        if opened is not None:
            await opened.__aexit__(kind, error, trace)


def _cut(reader: Callable[[], WordPiece], request: EmbeddingsRequest, *, most: int, whole: bool) -> Windows:
    return cut(request, reader(), most=most, whole=whole)


def _is_strict(call: Call, options: GlmgateOptions | None) -> bool:
    return call.strict or (options is not None and options.strict is True)


def _report(call: Call, notes: tuple[Note, ...], options: GlmgateOptions | None) -> None:
    """Put the notes into the call's report; a strict call is refused for the first one that is not exact."""
    notes = call.unsaid(notes)
    if _is_strict(call, options):
        refuse_inexact((*call.notes, *notes))
    for note in notes:
        call.note(note)
