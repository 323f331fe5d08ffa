"""The deployments of a route, one after the other until one answers: by priority, equal ones sharing by weight.

Nothing is asked of the next one after the first words have come; what is worth a try elsewhere says an error's remedy.
"""

from __future__ import annotations

import random as chance
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import TypeVar

from typing_extensions import override

from glmgate.errors import GlmgateError
from glmgate.routing.beginning import begin
from glmgate.routing.breaker import Breaker
from glmgate.wire.chat import GlmgateOptions
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation, Note
from glmgate.wire.tokenizer import TokenizerRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One deployment of a route. The lowest `priority` is asked first; equal ones share by `weight` (0: asked last).

    `deployment` names the place, `model` who speaks there. `note` is for the report, where that is not the model that
    was asked for; a strict call is not given to one whose note is not exact, as long as there is another.
    """

    deployment: str
    model: str
    engine: Engine
    priority: int = 0
    weight: float = 1.0
    breaker: Breaker | None = None
    note: Note | None = None

    @property
    def is_exact(self) -> bool:
        """Whether a strict call may be given to it."""
        return self.note is None or self.note.exact

    @property
    def is_open(self) -> bool:
        """Whether its breaker keeps everybody away."""
        return self.breaker is not None and self.breaker.is_open


def ordered(candidates: Sequence[Candidate], random: Callable[[], float]) -> list[Candidate]:
    """In which order they are asked this time; `random` gives numbers from 0 to below 1."""
    order: list[Candidate] = []
    by_priority = sorted(candidates, key=lambda candidate: candidate.priority)
    for _, equal in groupby(by_priority, key=lambda candidate: candidate.priority):
        left = list(equal)
        while left:
            order.append(left.pop(_drawn([candidate.weight for candidate in left], random)))
    return order


def _drawn(weights: list[float], random: Callable[[], float]) -> int:
    """The place of one of `weights`, each as likely as its share; the first when none weighs anything."""
    if len(weights) == 1 or not any(weights):
        return 0
    point = random() * sum(weights)
    for place, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return place
    return max(place for place, weight in enumerate(weights) if weight)  # rounding


class Failover:
    """The engine of a route. `random` gives numbers from 0 to below 1."""

    def __init__(self, candidates: Sequence[Candidate], *, random: Callable[[], float] = chance.random) -> None:
        if not candidates:
            raise ValueError("A route has at least one candidate.")
        self._candidates = tuple(candidates)
        self._random = random

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas; entering waits for the first words of whoever answers."""
        return _Stream(self, call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input."""
        return await self.answered(call, lambda engine: engine.embed(call, request), options=request.glmgate)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The number of prompt tokens."""
        return await self.answered(call, lambda engine: engine.count(call, request))

    async def answered(
        self, call: Call, ask: Callable[[Engine], Awaitable[T]], *, options: GlmgateOptions | None = None
    ) -> T:
        """What the first candidate that answers says.

        Raises the first failure, because later ones hide the cause; but where that is for good, and another candidate
        is only left alone for a while, the client hears of the while.
        """
        order = self._order(strict=call.strict or _asks_for_strictness(options))
        ready = [candidate for candidate in order if not candidate.is_open]
        try:
            return await _answered(ready or order[:1], call, ask)
        except GlmgateError as error:
            if error.remedy == "park" and (resting := _resting(order)) is not None:
                raise resting.refusal() from error
            raise

    def _order(self, *, strict: bool) -> list[Candidate]:
        """Who may be asked this time. Where all are out of the question, one is still asked: it says why itself."""
        exact = [candidate for candidate in self._candidates if candidate.is_exact or not strict]
        return ordered(exact or self._candidates, self._random)


def _asks_for_strictness(options: GlmgateOptions | None) -> bool:
    return options is not None and options.strict is True


def _resting(candidates: Sequence[Candidate]) -> Breaker | None:
    """The breaker of the first one that is left alone for a while."""
    return next((one.breaker for one in candidates if one.is_open), None)


async def _answered(candidates: Sequence[Candidate], call: Call, ask: Callable[[Engine], Awaitable[T]]) -> T:
    """What the first of `candidates` (at least one) that answers says. Raises the first failure."""
    notes = tuple(call.notes)
    first: GlmgateError | None = None
    for candidate in candidates:
        call.notes[:] = notes  # what was changed for one that failed says nothing about this one
        if candidate.note is not None:
            call.note(candidate.note)
        try:
            answer = await ask(candidate.engine)
        except GlmgateError as error:
            first = first or error
            if error.remedy == "tell":
                break
            continue
        call.answered_by, call.deployment = candidate.model, candidate.deployment
        return answer
    assert first is not None
    raise first


class _Stream(AbstractAsyncContextManager[Deltas]):
    """One answer, of one candidate in the end."""

    __slots__ = ("_call", "_failover", "_inner", "_request")

    def __init__(self, failover: Failover, call: Call, request: Generation) -> None:
        self._failover = failover
        self._call = call
        self._request = request
        self._inner: AbstractAsyncContextManager[Deltas] | None = None

    @override
    async def __aenter__(self) -> Deltas:
        return await self._failover.answered(self._call, self._begin, options=self._request.glmgate)

    async def _begin(self, engine: Engine) -> Deltas:
        inner = engine.stream(self._call, self._request)
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
