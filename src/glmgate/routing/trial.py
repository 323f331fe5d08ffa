"""One attempt under way: a call on one credential, from its slot to its one row on the Call.

It says what came of the call to all who learn from it: pool, limit, breaker and the request's report. It asks nobody.
What that is stands in `policy.attempts`.
"""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import override

from glmgate.errors import AnswerTruncated, CapacityExceeded, GlmgateError, RequestRefused
from glmgate.policy.attempts import LIMITS, AttemptWatch, State, Stop, Verdict, stop_of
from glmgate.routing.beginning import Begun
from glmgate.routing.breaker import Permit
from glmgate.routing.interfaces import SlotLease, SlotPool
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Attempt, Call


class Trial:
    """An attempt. However it ends, its row is put on the call exactly once; none where nothing was sent after all.

    `clock` gives seconds of any origin.
    """

    def __init__(
        self,
        call: Call,
        pool: SlotPool,
        lease: SlotLease,
        permit: Permit,
        *,
        deployment: str,
        clock: Callable[[], float],
    ) -> None:
        self.credential = lease.credential
        self._call = call
        self._pool = pool
        self._lease = lease
        self._permit = permit
        self._deployment = deployment
        self._clock = clock
        self._started = clock()
        self._settled = False
        self._watch = AttemptWatch()

    def begun(self) -> None:
        """The answer has begun: the service works, and takes so many calls at once."""
        self._watch.begin()
        self._permit.answers()
        self._lease.went_well()

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """These deltas go by."""
        self._watch.feed(deltas)

    def whole(self, usage: Usage | None) -> None:
        """An answer without deltas is there, and cost so much."""
        self.begun()
        self._permit.ended()
        self._settle(self._watch.whole(usage))

    def ended(self) -> None:
        """The deltas have come to their end. Raises AnswerTruncated when that is not the answer's end."""
        if not self._watch.has_finished:
            error = AnswerTruncated("The model's answer broke off before its end. Try again.")
            self.failed(error)
            raise error
        if self._watch.state is State.BROKEN:
            self._permit.failed()
        else:
            self._permit.ended()
        self._settle(self._watch.stopped(Stop.END))

    def failed(self, error: BaseException) -> None:
        """The call was stopped by `error`; being cancelled is one way of being stopped."""
        stop = stop_of(error)
        if stop is Stop.LEFT:
            self.left()
            return
        if isinstance(error, GlmgateError) and error.is_ours:
            self._permit.left()
            self._settled = True
            return
        verdict = self._watch.stopped(stop)
        if isinstance(error, GlmgateError):
            self._tell(error)
            self._settle(verdict, error.code)
        else:
            self._permit.failed()
            self._settle(verdict, "internal_error")

    def left(self) -> None:
        """The reader left. One that has seen the answer's end has all of it."""
        if self._watch.has_finished:
            self.ended()
            return
        self._permit.left()
        self._settle(self._watch.stopped(Stop.LEFT))

    def release(self) -> None:
        """Give the slot back, after everything of the call is closed and its end was told."""
        self._lease.release()

    def _tell(self, error: GlmgateError) -> None:
        if isinstance(error, RequestRefused):
            self._permit.ended()
        elif isinstance(error, LIMITS):
            self._permit.left()
        else:
            self._permit.failed()
        if error.remedy == "park":
            self._pool.park(self.credential, error.parked_until, reason=error)
        elif isinstance(error, CapacityExceeded):
            self._lease.overloaded()
            if error.retry_after_s is not None:
                self._pool.rest(self.credential, error.retry_after_s)

    def _settle(self, verdict: Verdict, error_code: str | None = None) -> None:
        if self._settled:
            return
        self._settled = True
        self._call.attempts.append(
            Attempt(
                deployment=self._deployment,
                credential=self.credential,
                outcome=verdict.outcome,
                seconds=self._clock() - self._started,
                usage=verdict.told,
                error_code=error_code,
            )
        )


class TriedDeltas(Begun):
    """The deltas of an attempt that has begun. They tell it as they go by."""

    __slots__ = ("_trial",)

    def __init__(self, inner: Begun, trial: Trial) -> None:
        super().__init__(inner.read, inner.rest)
        self._trial = trial
        for deltas in inner.read:
            trial.saw(deltas)

    @override
    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read's deltas."""
        if self.read:
            return self.read.popleft()
        try:
            deltas = await self.rest.__anext__()
        except StopAsyncIteration:
            self._trial.ended()
            raise
        except BaseException as exc:
            self._trial.failed(exc)
            raise
        self._trial.saw(deltas)
        return deltas
