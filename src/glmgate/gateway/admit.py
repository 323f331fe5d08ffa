"""Admit: the terms of those who ask, applied to one request; what it may take is reserved before it goes on.

What is asked, and what a refusal means, is decided in `policy`; who answers, in routing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from glmgate.adaptation.fit import refuse_inexact
from glmgate.errors import GlmgateError, Unavailable
from glmgate.gateway.counting import Counting
from glmgate.gateway.reservation import Holding, Reservation, refused
from glmgate.policy import access, limits
from glmgate.policy.admission import NullQuotes, Quotes, Target, Wish, answer_limit, asks
from glmgate.policy.budgets import Account, NullPast, Past, accounts
from glmgate.policy.counters import Counters, MemoryCounters, Refused, Spend, Taken
from glmgate.policy.interfaces import Clock
from glmgate.policy.limits import Limit
from glmgate.policy.settings import Away, LimitSettings
from glmgate.policy.sizes import Size, measured
from glmgate.telemetry.limits import LimitsWatch, NullLimitsWatch
from glmgate.telemetry.log import get_logger
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation, Note

_AWAY_S: Final = 1.0
"""How long a store that failed is not asked again: requests must not wait for it one after the other."""
_NOTHING: Final = Size(0, 0)
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
        self._local = Counting(MemoryCounters(clock=means.clock), past=NullPast())
        self._away_until = 0.0
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
        return asked if lowered is None else _limited(call, asked, lowered)

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
        await asyncio.gather(self.counting.run(), self._local.run())

    async def aclose(self) -> None:
        """All that was taken is settled, as far as the store can be reached."""
        await self.counting.aclose()
        await self._local.aclose()

    async def _admit(
        self, call: Call, request: Generation | EmbeddingsRequest | None, targets: Sequence[Target]
    ) -> int | None:
        """Reserve; the most tokens that an answer may have by the budgets, None where they leave it as it is."""
        scopes = call.caller.scopes
        counted = accounts(scopes, self.means.clock())
        counts_tokens = any(scope.terms.tpm is not None for scope in scopes)
        # Measuring a long conversation is the dearest part of all this.
        size = measured(request) if request is not None and (counted or counts_tokens) else _NOTHING
        wish = Wish(size, targets, self.means.quotes)
        held = limits.limits(scopes, tokens=wish.tokens() if counts_tokens else 0, guessed=size.max_tokens is None)
        if not held and not counted:
            return None
        spends = [wish.spend(account) for account in counted]
        try:
            outcome = await self._asked(call, held, counted, spends)
        except Unavailable as error:
            await self._without_store(call, wish, held, counted, error)
            return None
        if isinstance(outcome, Refused):
            raise self._refusal(call, outcome, held, counted, spends)
        states = outcome.states[len(held) :]
        holdings = [Holding(account, granted=state.granted) for account, state in zip(counted, states, strict=True)]
        call.spending = Reservation(self.counting, self.means.watch, call.uid, wish, held, holdings)
        call.headroom = limits.headroom(held, outcome.states)
        for account, state in zip(counted, states, strict=True):
            self._warn(call, account, account.used(state) - state.granted)
        return answer_limit(wish, counted, spends, states)

    async def _asked(
        self, call: Call, held: Sequence[Limit], counted: Sequence[Account], spends: Sequence[Spend]
    ) -> Taken | Refused:
        if self.means.clock() < self._away_until:
            raise Unavailable("The store of the limits is away.")
        by_name: Mapping[str, Account] = {account.name: account for account in counted}
        outcome = await self.counting.take(call.uid, asks(held, spends), by_name)
        if self._away_until:
            self._away_until = 0.0
            self._log.info("the store of the limits is back")
        return outcome

    def _refusal(
        self,
        call: Call,
        outcome: Refused,
        held: Sequence[Limit],
        counted: Sequence[Account],
        spends: Sequence[Spend],
    ) -> GlmgateError:
        if outcome.index < len(held):
            limit = held[outcome.index]
            self.means.watch.refused(limit.kind, limit.scope.level)
            call.headroom = limits.headroom([limit], [outcome.state])
            return limits.refusal(limit, outcome.state)
        place = outcome.index - len(held)
        self.means.watch.refused("budget", counted[place].scope.level)
        least = spends[place].least
        return refused(self.counting, counted[place], outcome.state, spends[place].amount if least is None else least)

    async def _without_store(
        self, call: Call, wish: Wish, held: Sequence[Limit], counted: Sequence[Account], error: Unavailable
    ) -> None:
        """Let a request in by a local share, or refuse it, as the settings say for each limit that it has."""
        now = self.means.clock()
        if now >= self._away_until:
            if not self._away_until:
                self._log.error("the store of the limits is away", reason=error.message)
            self._away_until = now + _AWAY_S
        kinds = [limit.kind for limit in held] + ["budgets"] * bool(counted)
        closed = next((kind for kind in kinds if self._when_away(kind) == "closed"), None)
        if closed is not None:
            self.means.watch.failed_closed(closed)
            raise Unavailable(
                f"What is left of the limits ({closed.replace('_', ' ')}) cannot be told, because their store is away."
                " Try again.",
                code="limits_unavailable",
                retry_after_s=_AWAY_S,
            ) from error
        for kind in dict.fromkeys(kinds):
            self.means.watch.failed_open(kind)
        shares = [Limit(one.kind, one.scope, limits.share_of(one, self.means.settings.share)) for one in held]
        outcome = await self._local.take(call.uid, [limit.ask for limit in shares], {})
        if isinstance(outcome, Refused):
            raise self._refusal(call, outcome, shares, (), ())
        call.spending = Reservation(self._local, self.means.watch, call.uid, wish, shares, ())
        call.headroom = limits.headroom(shares, outcome.states)

    def _when_away(self, kind: str) -> Away:
        return cast("Away", getattr(self.means.settings, kind))

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
