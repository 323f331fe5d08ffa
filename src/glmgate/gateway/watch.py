"""Watching one request: its deltas go by, its times are taken, and its ending is named.

It changes nothing of what goes by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from glmgate.errors import GlmgateError
from glmgate.policy.endings import Ending, EndingWatch, done
from glmgate.telemetry.flight import Asked, Flight
from glmgate.telemetry.record import RequestRecord
from glmgate.telemetry.trace import trace_id_of
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Call, Deltas, Endpoint


class Watch:
    """What is known of a request while it runs (`flight`), and the record of it at the end."""

    def __init__(self, call: Call, endpoint: Endpoint, request: Asked, clock: Callable[[], float]) -> None:
        self.flight = Flight(call, request, endpoint, clock())
        self._call = call
        self._clock = clock
        self._ending: Ending | None = None
        self._endings = EndingWatch()
        self._error_code: str | None = None

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """These deltas go to the client now."""
        flight, pieces = self.flight, 0
        for delta in deltas:
            self._endings.feed(delta)
            pieces += delta.says_something
            if delta.usage is not None:
                flight.usage[delta.choice] = delta.usage
            if delta.finish_reason is not None:
                flight.reasons.append(delta.finish_reason)
        if pieces:
            flight.said(pieces, self._clock())
        if flight.tap is not None:
            flight.tap(deltas)

    def ended(self) -> None:
        """The deltas have come to their end."""
        self._ending = self._endings.finished(self._call.cache_use)

    def done(self, usage: Usage) -> None:
        """An answer without deltas is there."""
        self.flight.usage[0] = usage
        self._ending = done(self._call.cache_use)

    def stopped(self, error: BaseException) -> None:
        """The request was stopped by `error`; leaving (cancelled, closed) is one way of being stopped."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self._ending = self._ending or self._endings.left()
            return
        self._ending = self._endings.failed(error)
        self._error_code = error.code if isinstance(error, GlmgateError) else "internal_error"

    def record(self) -> RequestRecord:
        """The record of the request. A reader that left without a word counts as a client that left."""
        now, call, flight = self._clock(), self._call, self.flight
        caller = call.caller
        return RequestRecord(
            request_id=call.request_id,
            key_id=caller.key_id,
            surface=call.surface,
            endpoint=flight.endpoint,
            model=flight.request.model,
            deployment=flight.deployment,
            ending=self._ending or self._endings.left(),
            usage=flight.used,
            total_s=now - flight.began,
            first_s=None if flight.first is None else flight.first - flight.began,
            notes=tuple(map(str, call.notes)),
            error_code=self._error_code,
            place=call.deployment,
            attempts=tuple(call.attempts),
            cache_use=call.cache_use,
            uid=call.uid,
            organisation=caller.organisation,
            project=caller.project,
            tags=caller.tags,
            charges=tuple(call.charges),
            token_s=flight.token_s,
            gap_s=flight.gap_s,
            reasons=tuple(flight.reasons),
            trace_id=trace_id_of(call.traceparent),
            filtered=tuple(call.filtered.items()),
        )


class WatchedDeltas:
    """Deltas that tell the watch as they go by. No async generator: there is nothing in it to close."""

    __slots__ = ("_inner", "_watch")

    def __init__(self, inner: Deltas, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read's deltas."""
        try:
            deltas = await anext(self._inner)
        except StopAsyncIteration:
            self._watch.ended()
            raise
        self._watch.saw(deltas)
        return deltas
