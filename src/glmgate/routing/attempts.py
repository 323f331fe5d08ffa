"""A deployment behind its credentials: each call takes a slot, asks that credential's engine and is put down once.

A credential that has to be left alone is parked, and the next one is asked at once; a call that is refused for the rate
goes back into the queue. Every other failure is raised.
"""

from __future__ import annotations

import random as chance
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from typing_extensions import override

from glmgate.errors import CapacityExceeded, GlmgateError
from glmgate.routing.backoff import Backoff
from glmgate.routing.beginning import begin
from glmgate.routing.breaker import Breaker
from glmgate.routing.interfaces import NoSlot, SlotLease, SlotPool
from glmgate.routing.trial import Trial, TriedDeltas
from glmgate.wire.delta import Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Engine, Generation
from glmgate.wire.tokenizer import TokenizerRequest

T = TypeVar("T")
_Ask = Callable[[Engine, Trial], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue:
    """How a call goes on that was refused for the rate: at most `times`, and not after a wait beyond `longest_s`.

    That is no retry: the limit has shrunk by then, so the calls in flight become fewer and not more. A service that
    states no wait is left alone for `backoff`.
    """

    times: int = 4
    longest_s: float = 10.0
    backoff: Backoff = field(default_factory=Backoff)

    def helps(self, error: GlmgateError, refused: int) -> bool:
        """Whether the call, refused so often before, waits in turn once more."""
        if not isinstance(error, CapacityExceeded) or isinstance(error, NoSlot) or error.remedy == "tell":
            return False
        return refused < self.times and (error.retry_after_s or 0.0) <= self.longest_s


class Attempts:
    """The deployment's `engines`, by their credential's place in `pool`.

    A request waits at most `wait_s` for its slots. `clock` gives seconds of any origin, `random` numbers from 0 to
    below 1.
    """

    def __init__(
        self,
        pool: SlotPool,
        engines: Mapping[int, Engine],
        *,
        deployment: str,
        breaker: Breaker,
        wait_s: float = 60.0,
        requeue: Requeue | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self._requeue = requeue or Requeue()
        self._random = random
        self._pool = pool
        self._engines = dict(engines)
        self._deployment = deployment
        self._breaker = breaker
        self._wait_s = wait_s
        self._clock = clock

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas; entering waits for a slot and for the first words."""
        return _Stream(self, call, request)

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input."""

        async def ask(engine: Engine, trial: Trial) -> Embeddings:
            embeddings = await engine.embed(call, request)
            trial.whole(Usage(prompt=embeddings.prompt_tokens))
            return embeddings

        return await self._whole(call, ask)

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The number of prompt tokens."""

        async def ask(engine: Engine, trial: Trial) -> int:
            tokens = await engine.count(call, request)
            trial.whole(None)  # counting costs nothing
            return tokens

        return await self._whole(call, ask)

    async def _whole(self, call: Call, ask: _Ask[T]) -> T:
        async def asked(engine: Engine, trial: Trial) -> T:
            try:
                return await ask(engine, trial)
            except BaseException as exc:
                trial.failed(exc)
                raise
            finally:
                trial.release()

        return await self.tried(call, asked)

    async def tried(self, call: Call, ask: _Ask[T]) -> T:
        """What `ask` gets of the first credential that need not be parked; it ends the trial that it is given."""
        until = self._clock() + self._wait_s
        parked: dict[int, GlmgateError] = {}
        refused = 0
        while True:
            lease = await self._lease(call, parked, timeout_s=until - self._clock())
            trial = self._trial(call, lease)
            try:
                return await ask(self._engines[lease.credential], trial)
            except GlmgateError as error:
                if error.remedy == "park":
                    parked[lease.credential] = error
                elif self._requeue.helps(error, refused):
                    self._rest(lease.credential, error, refused)
                    refused += 1
                else:
                    raise

    def _rest(self, credential: int, error: GlmgateError, refused: int) -> None:
        """Leave the credential alone for a moment where the service does not say for how long."""
        if error.retry_after_s is None:
            self._pool.rest(credential, self._requeue.backoff.delay_s(refused, self._random))

    async def _lease(self, call: Call, parked: Mapping[int, GlmgateError], *, timeout_s: float) -> SlotLease:
        """A slot of a credential that this request has not had parked.

        When none is left the first failure is raised (peers section 3: a later one hides the cause); when one might
        come free later, that is what helps.
        """
        if self._breaker.is_open:
            raise self._breaker.refusal()
        try:
            return await self._pool.acquire(
                call.caller.key_id, timeout_s=max(0.0, timeout_s), avoid=frozenset(parked), among=self._engines
            )
        except GlmgateError as error:
            first = next(iter(parked.values()), None)
            if first is None or (isinstance(error, NoSlot) and error.retry is not False):
                raise
            raise first from error

    def _trial(self, call: Call, lease: SlotLease) -> Trial:
        try:
            permit = self._breaker.admit()
        except GlmgateError:
            lease.release()
            raise
        return Trial(call, self._pool, lease, permit, deployment=self._deployment, clock=self._clock)


class _Stream(AbstractAsyncContextManager[Deltas]):
    """One answer, of one credential in the end."""

    __slots__ = ("_attempts", "_call", "_inner", "_request", "_trial")

    def __init__(self, attempts: Attempts, call: Call, request: Generation) -> None:
        self._attempts = attempts
        self._call = call
        self._request = request
        self._inner: AbstractAsyncContextManager[Deltas] | None = None
        self._trial: Trial | None = None

    @override
    async def __aenter__(self) -> Deltas:
        return await self._attempts.tried(self._call, self._begin)

    async def _begin(self, engine: Engine, trial: Trial) -> Deltas:
        inner = engine.stream(self._call, self._request)
        try:
            deltas = await begin(inner)
        except BaseException as exc:
            trial.failed(exc)
            trial.release()
            raise
        trial.begun()
        self._inner, self._trial = inner, trial
        return TriedDeltas(deltas, trial)

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inner, trial = self._inner, self._trial
        self._inner = self._trial = None
        if inner is None or trial is None:
            return
        trial.left()
        try:
            await inner.__aexit__(kind, error, trace)
        finally:
            trial.release()
