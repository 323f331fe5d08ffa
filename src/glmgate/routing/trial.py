"""One attempt under way: a call on one credential, from its slot to its one row on the Call.

It says what came of the call to all who learn from it: pool, limit, breaker and the request's report. It asks nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Literal

from typing_extensions import override

from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    CredentialRefused,
    GlmgateError,
    QuotaExhausted,
    RequestRefused,
)
from glmgate.routing.beginning import Begun
from glmgate.routing.breaker import Permit
from glmgate.routing.slots import Lease, Pool
from glmgate.wire.delta import Delta, FinishReason, Usage
from glmgate.wire.engine import Attempt, Call

Outcome = Literal["ok", "refused", "failed_before", "failed_after", "truncated", "cancelled"]

# A limit or an account was in the way; that says nothing about whether the deployment works.
_LIMITS: Final = (CapacityExceeded, QuotaExhausted, CredentialRefused)
_REFUSALS: Final = (RequestRefused, *_LIMITS)


class Trial:
    """An attempt. However it ends, its row is put on the call exactly once. `clock` gives seconds of any origin."""

    def __init__(
        self, call: Call, pool: Pool, lease: Lease, permit: Permit, *, deployment: str, clock: Callable[[], float]
    ) -> None:
        self.credential = lease.credential
        self._call = call
        self._pool = pool
        self._lease = lease
        self._permit = permit
        self._deployment = deployment
        self._clock = clock
        self._started = clock()
        self._begun = False
        self._settled = False
        self._usage: dict[int, Usage] = {}
        self._reasons: set[FinishReason] = set()

    def begun(self) -> None:
        """The answer has begun: the service works, and takes so many calls at once."""
        self._begun = True
        self._permit.answers()
        self._lease.went_well()

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """These deltas go by."""
        for delta in deltas:
            if delta.usage is not None:
                self._usage[delta.choice] = delta.usage
            if delta.finish_reason is not None:
                self._reasons.add(delta.finish_reason)

    def whole(self, usage: Usage | None) -> None:
        """An answer without deltas is there, and cost so much."""
        self.begun()
        if usage is not None:
            self._usage[0] = usage
        self._permit.ended()
        self._settle("ok")

    def ended(self) -> None:
        """The deltas have come to their end. Raises AnswerTruncated when that is not the answer's end."""
        if not self._reasons:
            error = AnswerTruncated("The model's answer broke off before its end. Try again.")
            self.failed(error)
            raise error
        if "network_error" in self._reasons:
            self._permit.failed()
            self._settle("failed_after")
            return
        self._permit.ended()
        self._settle("ok")

    def failed(self, error: BaseException) -> None:
        """The call was stopped by `error`; being cancelled is one way of being stopped."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.left()
            return
        after: Outcome = "failed_after" if self._begun else "failed_before"
        if not isinstance(error, GlmgateError):
            self._permit.failed()
            self._settle(after, "internal_error")
            return
        self._tell(error)
        if self._begun and isinstance(error, AnswerTruncated):
            self._settle("truncated", error.code)
        elif not self._begun and isinstance(error, _REFUSALS):
            self._settle("refused", error.code)
        else:
            self._settle(after, error.code)

    def left(self) -> None:
        """The reader left. One that has seen the answer's end has all of it."""
        if self._reasons:
            self.ended()
            return
        self._permit.left()
        self._settle("cancelled")

    def release(self) -> None:
        """Give the slot back, after everything of the call is closed and its end was told."""
        self._lease.release()

    def _tell(self, error: GlmgateError) -> None:
        if isinstance(error, RequestRefused):
            self._permit.ended()
        elif isinstance(error, _LIMITS):
            self._permit.left()
        else:
            self._permit.failed()
        if error.remedy == "park":
            self._pool.park(self.credential, error.parked_until, reason=error)
        elif isinstance(error, CapacityExceeded):
            self._lease.overloaded()
            if error.retry_after_s is not None:
                self._pool.rest(self.credential, error.retry_after_s)

    def _settle(self, outcome: Outcome, error_code: str | None = None) -> None:
        if self._settled:
            return
        self._settled = True
        self._call.attempts.append(
            Attempt(
                deployment=self._deployment,
                credential=self.credential,
                outcome=outcome,
                seconds=self._clock() - self._started,
                usage=sum(self._usage.values(), Usage()) if self._usage else None,
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
