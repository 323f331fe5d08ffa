"""Admit: the terms of those who ask, applied to one request; what it may take is reserved before it goes on.

What is asked, and what a refusal means, is decided in `policy`; who answers, in routing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from glmgate.adaptation.fit import refuse_inexact
from glmgate.errors import Unavailable
from glmgate.gateway.counting import Counting, PastUnknown
from glmgate.gateway.outage import Outage
from glmgate.gateway.reservation import Holding, Reservation
from glmgate.gateway.wanted import Wanted, wanted
from glmgate.policy import access, limits
from glmgate.policy.admission import NullQuotes, Quotes, Target, answer_limit
from glmgate.policy.budgets import Account, NullPast, Past
from glmgate.policy.counters import Counters, Refused, Taken
from glmgate.policy.interfaces import Clock
from glmgate.policy.settings import LimitSettings
from glmgate.policy.sizes import measured
from glmgate.telemetry.limits import LimitsWatch, NullLimitsWatch
from glmgate.telemetry.log import get_logger
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Note

_MOST_TOLD: Final = 10_000  # budgets that the log has told of


@dataclass(frozen=True, slots=True)
class Means:
    """What admission works with. `past` and `quotes` are the ledger's and the prices'."""

    counters: Counters
    clock: Clock
    past: Past = field(default_factory=NullPast)
    quotes: Quotes = field(default_factory=NullQuotes)
    watch: LimitsWatch = field(default_factory=NullLimitsWatch)
    settings: LimitSettings = field(default_factory=LimitSettings)


class Admission:
    """Lets requests in. Each one that was let in has to be closed, however it ends."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self.counting = Counting(means.counters, past=means.past)
        self._outage = Outage(means.settings, means.watch, means.clock)
        self._told: set[str] = set()
        self._log = get_logger("glmgate.limits")

    async def generation(self, call: Call, request: Generation, targets: Sequence[Target]) -> Generation:
        """The request as the terms let it through. Raises what a limit, a budget or a strict call refuses."""
        scopes = call.caller.scopes
        if not scopes:
            return request
        asked = access.thinking(scopes, request)
        if asked is not request:
            call.note(Note("thinking", "default"))
        most = access.longest(scopes)
        if most is not None:
            asked = _limited(call, asked, most)
        lowered = await self._admit(call, asked, targets)
        if lowered is None:
            return asked
        call.is_left = access.asked_tokens(asked) is None
        return _limited(call, asked, lowered)

    def filtered(self, call: Call, request: Generation) -> Generation:
        """The request, which filters have changed or spent something on, with an answer that is still paid for."""
        most = call.spending.answer(measured(request)) if isinstance(call.spending, Reservation) else None
        return request if most is None else _limited(call, request, most)

    async def embedding(self, call: Call, request: EmbeddingsRequest, targets: Sequence[Target]) -> None:
        """Let a request for vectors in. Raises what a limit or a budget refuses."""
        if call.caller.scopes:
            await self._admit(call, request, targets)

    async def counting_tokens(self, call: Call) -> None:
        """Let a request in that costs nothing but itself."""
        if call.caller.scopes:
            await self._admit(call, None, ())

    async def close(self, call: Call) -> None:
        """The request is over."""
        if isinstance(call.spending, Reservation):
            await call.spending.close()

    async def run(self) -> None:
        """Keep what requests hold, until this is cancelled."""
        await asyncio.gather(self.counting.run(), self._outage.counting.run())

    async def aclose(self) -> None:
        """All that was taken is settled, as far as the store can be reached."""
        await self.counting.aclose()
        await self._outage.counting.aclose()

    async def _admit(
        self, call: Call, request: Generation | EmbeddingsRequest | None, targets: Sequence[Target]
    ) -> int | None:
        """Reserve; the most tokens that an answer may have by the budgets, None where they leave it as it is."""
        means = self.means
        asked = wanted(call, request, targets, quotes=means.quotes, now=means.clock(), leases=self.counting.leases)
        if not asked:
            return None
        try:
            outcome = await self._taken(asked)
        except Unavailable as error:
            call.spending = await self._outage.admit(asked, error)
            return None
        if isinstance(outcome, Refused):
            raise await asked.refusal(outcome, self.counting, means.watch)
        return self._granted(asked, outcome)

    async def _taken(self, asked: Wanted) -> Taken | Refused:
        """What the store says. Raises Unavailable, at once where it is known to be away."""
        if self._outage.is_on:
            raise Unavailable("The store of the limits is away.")
        try:
            outcome = await self.counting.take(asked.call.uid, asked.asks, {one.name: one for one in asked.accounts})
        except PastUnknown:
            raise  # it is not the store that is away
        except Unavailable as error:
            self._outage.began(error)
            raise
        self._outage.over()
        return outcome

    def _granted(self, asked: Wanted, outcome: Taken) -> int | None:
        call, counted = asked.call, asked.accounts
        states = outcome.states[len(asked.limits) :]
        holdings = [
            Holding(account, granted=state.granted, lease=self.counting.lease(account.name, call.uid))
            for account, state in zip(counted, states, strict=True)
        ]
        call.spending = Reservation(self.counting, self.means.watch, call.uid, asked.wish, asked.limits, holdings)
        call.headroom = limits.headroom(asked.limits, outcome.states)
        for account, state in zip(counted, states, strict=True):
            self._warn(call, account, account.used(state) - state.granted)
        return answer_limit(asked.wish, counted, asked.spends, states)

    def _warn(self, call: Call, account: Account, used: int) -> None:
        """Tell of budgets that are spent and only warn: each request's answer, a metric, and once a line of the log."""
        for limit in account.warns:
            if used < limit:
                continue
            scope = account.scope
            call.overruns.append(f"{scope.level} {account.unit} {account.period}")
            self.means.watch.overrun(scope.level, account.unit)
            key = f"{account.name} {limit}"
            if key not in self._told:
                if len(self._told) >= _MOST_TOLD:
                    self._told.clear()
                self._told.add(key)
                self._log.warning(
                    "a budget is spent",
                    level=scope.level,
                    id=scope.id,
                    unit=account.unit,
                    period=account.period,
                    limit=limit,
                    used=used,
                )


class NullAdmission:
    """Lets everybody in."""

    async def generation(self, call: Call, request: Generation, targets: Sequence[Target]) -> Generation:  # noqa: ARG002
        """The request as it is."""
        return request

    def filtered(self, call: Call, request: Generation) -> Generation:  # noqa: ARG002
        """The request as it is."""
        return request

    async def embedding(self, call: Call, request: EmbeddingsRequest, targets: Sequence[Target]) -> None:
        """Let it in."""

    async def counting_tokens(self, call: Call) -> None:
        """Let it in."""

    async def close(self, call: Call) -> None:
        """Nothing was taken."""


NULL_ADMISSION: Final = NullAdmission()


def _limited(call: Call, request: Generation, most: int) -> Generation:
    fitted, notes = access.limited(request, most)
    for note in notes:
        call.note(note)
    if notes and (call.strict or (request.glmgate is not None and request.glmgate.strict is True)):
        refuse_inexact(notes)
    return fitted
