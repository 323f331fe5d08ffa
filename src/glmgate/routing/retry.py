"""The same deployment again, where an error says that this helps: within a budget, with jitter, before the first words.

Which errors these are says their remedy; nothing is known of codes or statuses.
"""

from __future__ import annotations

import asyncio
import random as chance
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from itertools import count
from types import TracebackType
from typing import TypeVar

from typing_extensions import override

from glmgate.errors import CapacityExceeded, GlmgateError
from glmgate.routing.backoff import Backoff
from glmgate.routing.beginning import begin
from glmgate.routing.budget import RetryBudget
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation
from glmgate.wire.tokenizer import TokenizerRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLimits:
    """`tries` further ones at most. A service that asks for a longer wait than `longest_wait_s` is not waited for.

    No try begins later than `total_s` after the request came.
    """

    tries: int = 3
    longest_wait_s: float = 10.0
    total_s: float = 600.0


def helps(error: GlmgateError) -> bool:
    """Whether asking the same deployment again may help: it says so. Limits were waited for in `attempts`, in turn."""
    return error.remedy == "retry" and not isinstance(error, CapacityExceeded)


class Retry:
    """`engine`, asked again. `clock` gives seconds of any origin, `random` numbers from 0 to below 1."""

    def __init__(
        self,
        engine: Engine,
        *,
        budget: RetryBudget,
        limits: RetryLimits | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = chance.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._budget = budget
        self._limits = limits or RetryLimits()
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._random = random
        self._sleep = sleep

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas; entering waits for the first words, and nothing is asked again after them."""
        return _Stream(self, partial(self._engine.stream, call, request))

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input."""
        return await self.again(lambda: self._engine.embed(call, request))

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The number of prompt tokens."""
        return await self.again(lambda: self._engine.count(call, request))

    async def again(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gets, at the first try that is not worth another.

        Raises the first failure, which is nearest to the cause, or else a refusal that a later try met.
        """
        self._budget.request()
        latest = self._clock() + self._limits.total_s
        first: GlmgateError | None = None
        for retry in count():
            try:
                return await ask()
            except GlmgateError as error:
                first = first or error
                wait_s = self._wait_s(error, retry, latest)
                if wait_s is None:
                    if error is first or error.remedy == "tell":
                        raise
                    raise first from error
            await self._sleep(wait_s)
        raise AssertionError  # count() has no end

    def _wait_s(self, error: GlmgateError, retry: int, latest: float) -> float | None:
        """Seconds until the next try; None when there is none."""
        asked_s = error.retry_after_s or 0.0
        if retry >= self._limits.tries or not helps(error) or asked_s > self._limits.longest_wait_s:
            return None
        wait_s = self._backoff.delay_s(retry, self._random, at_least_s=asked_s)
        if self._clock() + wait_s > latest or not self._budget.take():
            return None
        return wait_s


class _Stream(AbstractAsyncContextManager[Deltas]):
    """One answer, of one try in the end."""

    __slots__ = ("_inner", "_open", "_retry")

    def __init__(self, retry: Retry, opened: Callable[[], AbstractAsyncContextManager[Deltas]]) -> None:
        self._retry = retry
        self._open = opened
        self._inner: AbstractAsyncContextManager[Deltas] | None = None

    @override
    async def __aenter__(self) -> Deltas:
        return await self._retry.again(self._begin)

    async def _begin(self) -> Deltas:
        inner = self._open()
        deltas = await begin(inner)
        self._inner = inner
        return deltas

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inner, self._inner = self._inner, None
        if inner is not None:
            await inner.__aexit__(kind, error, trace)
