"""An engine that is not asked twice: whole answers are kept, and equal requests in flight share one call.

Which requests are equal and which answers are worth keeping is decided in `policy.cache`; how calls are shared is
`flights`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self, TypeVar

from typing_extensions import override

from glmgate.policy.cache import (
    AnswerCache,
    Reads,
    dearest,
    is_deterministic,
    is_whole,
    key_of,
    packed,
    size_of,
    unpacked,
    unpacked_embeddings,
)
from glmgate.routing.flights import Bill, Errand, Flight
from glmgate.wire.delta import Delta
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import CacheUse, Call, Deltas, Engine, Generation
from glmgate.wire.tokenizer import TokenizerRequest

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Cached:
    """`engine` behind `cache`, and with one call for equal requests in flight.

    `cache_on` and `coalesce` are the model's settings; a call whose `cache` is set decides for itself about the first,
    and by False about both. Only deterministic requests share a call. Nothing is shared between projects. What the
    answer cost is told in the call's `cache_use`; an answer that is given again shows the usage it had, but has no
    attempts, and so costs nothing. The attempts of a shared call are told once.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        cache: AnswerCache,
        deployment: str,
        profile_version: str,
        coalesce: bool = False,
        cache_on: bool = False,
        ttl_s: float = 3600.0,
    ) -> None:
        self._engine = engine
        self._cache = cache
        self._deployment = deployment
        self._version = profile_version
        self._coalesce = coalesce
        self._cache_on = cache_on
        self._ttl_s = ttl_s
        self._flights: dict[str, Flight] = {}
        self._errands: dict[str, Errand[Embeddings]] = {}

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas: those of an equal request before, or of one in flight, or of the engine."""
        keeps, shares = self._wanted(call, request)
        if not keeps and not shares:
            return self._engine.stream(call, request)
        return _Answer(self, call, request, keeps=keeps, shares=shares)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input, or give the vectors that an equal request had."""
        keeps, shares = self._wanted(call, request)
        if not keeps and not shares:
            return await self._engine.embed(call, request)
        key = self._key(call, request)
        if keeps and (before := await self._found(key, unpacked_embeddings)) is not None:
            self._used(call, "hit")
            return before
        errand = self._errands.get(key) if shares else None
        self._used(call, "miss" if errand is None else "shared")
        if not shares:
            return await self._embedded(call, request, key)
        return await (errand or self._sent(call, request, key, keeps=keeps)).result(call)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """As the engine does."""
        return await self._engine.count(call, request)

    async def answer(
        self, call: Call, request: Generation, *, keeps: bool, shares: bool
    ) -> AbstractAsyncContextManager[Deltas]:
        """Where the answer comes from. Nothing is open yet."""
        key = self._key(call, request)
        if keeps and (reads := await self._found(key, unpacked)) is not None:
            self._used(call, "hit")
            return _Replay(reads)
        flight = self._flights.get(key) if shares else None
        if flight is not None and flight.may_be_joined:
            self._used(call, "shared")
            return flight.join(call)
        self._used(call, "miss")
        if not shares:
            return _Recorded(self, self._engine.stream(call, request), key)
        return self._departed(call, request, key, keeps=keeps).join(call)

    async def keep(self, key: str, answer: Reads | Embeddings) -> None:
        """Keep an answer, if that can be done."""
        try:
            await self._cache.keep(key, packed(answer), ttl_s=self._ttl_s)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with a cache, it fails no request
            _log.warning("an answer of %r could not be cached: %s", self._deployment, type(error).__name__)

    @property
    def longest_bytes(self) -> int:
        """The size of the longest answer that is kept."""
        return self._cache.longest_bytes

    def _wanted(self, call: Call, request: Generation | EmbeddingsRequest) -> tuple[bool, bool]:
        """Whether an answer may be kept and taken from the cache, and whether the call may be shared."""
        keeps = self._cache_on if call.cache is None else call.cache
        return keeps, self._coalesce and call.cache is not False and is_deterministic(request)

    def _departed(self, call: Call, request: Generation, key: str, *, keeps: bool) -> Flight:
        def over() -> None:
            if self._flights.get(key) is flight:  # a flight that may not be joined has been replaced
                del self._flights[key]

        bill = Bill(call)
        source = self._engine.stream(bill.call, request)
        flight = Flight(_Recorded(self, source, key) if keeps else source, bill=bill, over=over)
        self._flights[key] = flight
        return flight

    def _sent(self, call: Call, request: EmbeddingsRequest, key: str, *, keeps: bool) -> Errand[Embeddings]:
        def over() -> None:
            if self._errands.get(key) is errand:
                del self._errands[key]

        bill = Bill(call)
        errand = Errand(self._embedded(bill.call, request, key if keeps else None), bill=bill, over=over)
        self._errands[key] = errand
        return errand

    async def _embedded(self, call: Call, request: EmbeddingsRequest, key: str | None) -> Embeddings:
        embeddings = await self._engine.embed(call, request)
        if key is not None:
            await self.keep(key, embeddings)
        return embeddings

    async def _found(self, key: str, unpack: Callable[[bytes], T]) -> T | None:
        try:
            answer = await self._cache.find(key)
            return None if answer is None else unpack(answer)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with a cache, it fails no request
            _log.warning("the cache of %r could not be read: %s", self._deployment, type(error).__name__)
            return None

    def _key(self, call: Call, request: Generation | EmbeddingsRequest) -> str:
        key = key_of(request, call.caller, deployment=self._deployment, profile_version=self._version)
        if is_deterministic(request):
            return key
        # The choices of one answer are equal requests, one after the other, and must not all be the first one's.
        turn = call.asked.get(key, 0)
        call.asked[key] = turn + 1
        return f"{key}-{turn}"

    def _used(self, call: Call, use: CacheUse) -> None:
        call.cache_use = dearest(call.cache_use, use)
        if use != "miss":
            call.deployment = self._deployment


class _Answer(AbstractAsyncContextManager[Deltas]):
    """One answer, from wherever it comes; that is looked for on entering."""

    __slots__ = ("_call", "_keeps", "_open", "_owner", "_request", "_shares")

    def __init__(self, owner: Cached, call: Call, request: Generation, *, keeps: bool, shares: bool) -> None:
        self._owner = owner
        self._call = call
        self._request = request
        self._keeps = keeps
        self._shares = shares
        self._open: AbstractAsyncContextManager[Deltas] | None = None

    @override
    async def __aenter__(self) -> Deltas:
        opened = await self._owner.answer(self._call, self._request, keeps=self._keeps, shares=self._shares)
        deltas = await opened.__aenter__()
        self._open = opened
        return deltas

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            await opened.__aexit__(kind, error, trace)


class _Replay(AbstractAsyncContextManager[Deltas]):
    """An answer that was kept, read by read as it came."""

    __slots__ = ("_reads",)

    def __init__(self, reads: Reads) -> None:
        self._reads: Iterator[tuple[Delta, ...]] = iter(reads)

    @override
    async def __aenter__(self) -> Deltas:
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reads = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read."""
        for read in self._reads:
            return read
        raise StopAsyncIteration


class _Recorded(AbstractAsyncContextManager[Deltas]):
    """An answer that is written down as it goes by, and kept when it has come to a good end."""

    __slots__ = ("_inner", "_key", "_owner", "_reads", "_size", "_source")

    def __init__(self, owner: Cached, source: AbstractAsyncContextManager[Deltas], key: str) -> None:
        self._owner = owner
        self._source = source
        self._key = key
        self._inner: Deltas | None = None
        self._reads: list[tuple[Delta, ...]] | None = []
        self._size = 0

    @override
    async def __aenter__(self) -> Deltas:
        self._inner = await self._source.__aenter__()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner = None
        await self._source.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read."""
        if self._inner is None:
            raise StopAsyncIteration
        try:
            read = await anext(self._inner)
        except StopAsyncIteration:
            await self._keep()
            raise
        self._record(read)
        return read

    def _record(self, read: tuple[Delta, ...]) -> None:
        if self._reads is None:
            return
        self._reads.append(read)
        self._size += size_of(read)
        # In memory a delta of one token takes 330 bytes, packed about 50: what is larger than this cannot fit.
        if self._size > 8 * self._owner.longest_bytes:
            self._reads = None

    async def _keep(self) -> None:
        reads, self._reads = self._reads, None
        if reads is not None and is_whole(reads):
            await self._owner.keep(self._key, tuple(reads))
