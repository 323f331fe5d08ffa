"""Books that are kept: each attempt is estimated, priced and put into a journal, before it is made and when it is over.

What came of it is decided in `policy.attempts`, its tokens in `policy.estimates`, its price in `policy.prices`; where
rows go is the journal's. An attempt whose tokens a tokenizer still has to count is settled a moment later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from glmgate.errors import GlmgateError
from glmgate.policy.attempts import AttemptWatch, Basis, Stop, Verdict, stop_of
from glmgate.policy.estimates import NOTHING_COUNTED, Counted, Estimator, countable
from glmgate.policy.ledger import Journal, Owner, Reserved, Settled
from glmgate.policy.prices import OWN, Prices
from glmgate.policy.sizes import Size, measured
from glmgate.routing.afterwards import Afterwards, Held
from glmgate.wire.charge import ONE_CALL, Charge, Units
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, Entry, Generation, Place

_log = logging.getLogger(__name__)

_MOST_TOLD: Final = 1000  # models that are told to have no price; names can be the callers' own


def _nobody(call: Call, place: Place, charge: Charge) -> None:
    """Tells nobody."""


@dataclass(slots=True, kw_only=True)
class KeptBooks:
    """Implements `wire.engine.Books`. `instance` names this process; `prices` may be replaced at any time.

    `clock` gives Unix seconds, `timer` seconds of any origin. `charging` is told what each attempt has cost.
    `afterwards` counts what nobody told; it is closed before the journal is.
    """

    journal: Journal
    instance: str
    prices: Prices = field(default_factory=Prices)
    estimator: Estimator = field(default_factory=Estimator)
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic
    charging: Callable[[Call, Place, Charge], object] = _nobody
    afterwards: Afterwards = field(default_factory=Afterwards)
    _told: set[tuple[str, str]] = field(default_factory=set)

    async def reserve(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> Entry:
        """Put down that `request` is about to be sent, once its budgets allow it."""
        at = self.clock()
        size = measured(request)
        asked = None if call.is_left else size.max_tokens
        upper = self.estimator.upper(place.upstream, place.model, size.prompt_bytes, asked)
        answer = upper.completion if size.max_tokens is None else min(upper.completion, size.max_tokens)
        usage = Usage(upper.prompt * size.answers, answer * size.answers)
        estimate = self.charged(place, at, usage, ONE_CALL, estimated=True)
        await call.spending.attempt(call, place, request, estimate)
        row = Reserved(
            id=call.entry_id(),
            request_uid=call.uid,
            at=at,
            instance=self.instance,
            owner=owner_of(call.caller),
            model=call.model or request.model,
            place=place,
            endpoint=call.endpoint,
            surface=call.surface,
            estimate=estimate,
            prompt_bytes=size.prompt_bytes * size.answers,
        )
        most = None if size.max_tokens is None else size.max_tokens * size.answers
        entry = _Kept(self, call, row, most, self._held(place, request, size))
        try:
            await self.journal.reserved(row)
        except asyncio.CancelledError:
            entry.unsent(is_down=True)  # perhaps; what is not there cannot be settled twice
            raise
        except BaseException:
            entry.unsent(is_down=False)
            raise
        return entry

    def _held(self, place: Place, request: Generation | EmbeddingsRequest, size: Size) -> Held | None:
        """What is to be held of an attempt. Our own engine tells its tokens with every piece."""
        if place.upstream == OWN or isinstance(request, EmbeddingsRequest) or not self.afterwards.knows(place.model):
            return None
        return Held(request, size.answers)

    def charged(self, place: Place, at: float, usage: Usage, units: Units, *, estimated: bool) -> Charge:
        """What that costs at `place`; that a model has no price is told once."""
        used = Charge(usage=usage, units=units, estimated=estimated)
        charge = self.prices.charge(place.upstream, place.model, at, used)
        if charge.amount is None and place.upstream != OWN:
            self._tell(place)
        return charge

    def _tell(self, place: Place) -> None:
        key = (place.upstream, place.model)
        if key in self._told or len(self._told) >= _MOST_TOLD:
            return
        self._told.add(key)
        _log.warning(
            "the model %r of the upstream %r has no price: its attempts are in the ledger without an amount; "
            "add it to [[prices]]",
            place.model,
            place.upstream,
        )


def owner_of(caller: Caller) -> Owner:
    """Whose requests a caller's are."""
    return Owner(key_id=caller.key_id, organisation=caller.organisation, project=caller.project, tags=caller.tags)


class _Over(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ended, and when."""

    verdict: Verdict
    units: Units
    error_code: str | None
    at: float
    seconds: float


class _Kept:
    """One attempt that is put down. Implements `wire.engine.Entry`."""

    __slots__ = ("_books", "_call", "_held", "_is_settled", "_most", "_row", "_started", "_watch")

    def __init__(self, books: KeptBooks, call: Call, row: Reserved, most: int | None, held: Held | None) -> None:
        self._books = books
        self._call = call
        self._row = row
        self._most = most
        self._started = books.timer()
        self._watch = AttemptWatch()
        self._held = held
        self._is_settled = False

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """These deltas came."""
        self._watch.feed(deltas)
        if self._held is not None:
            self._held.texts += (text for delta in deltas for text in _texts(delta))

    def whole(self, usage: Usage | None, units: Units = ONE_CALL) -> None:
        """An answer without deltas came."""
        if not self._is_settled:
            self._settle(self._watch.whole(usage), units)

    def ended(self) -> None:
        """The deltas have come to their end."""
        self._stopped(Stop.END)

    def failed(self, error: BaseException) -> None:
        """The attempt was stopped by `error`."""
        stop = stop_of(error)
        code = error.code if isinstance(error, GlmgateError) else "internal_error"
        self._stopped(stop, error_code=None if stop is Stop.LEFT else code)

    def left(self) -> None:
        """The reader left."""
        self._stopped(Stop.LEFT)

    def unsent(self, *, is_down: bool) -> None:
        """Nothing was sent after all. `is_down`: the reservation may stand in the journal."""
        self._is_settled = True
        nothing = self._charge(Usage(), Units(), estimated=False)
        if is_down:
            self._books.journal.settled(
                Settled(
                    id=self._row.id,
                    at=self._books.clock(),
                    outcome="cancelled",
                    charge=nothing,
                    seconds=self._books.timer() - self._started,
                )
            )
        self._call.spending.settled(self._call, self._row.estimate, nothing)

    def _stopped(self, stop: Stop, error_code: str | None = None) -> None:
        if not self._is_settled:
            self._settle(self._watch.stopped(stop), error_code=error_code)

    def _settle(self, verdict: Verdict, units: Units = ONE_CALL, *, error_code: str | None = None) -> None:
        self._is_settled = True
        books, charges = self._books, self._call.charges
        over = _Over(verdict, units, error_code, books.clock(), books.timer() - self._started)
        charge = self._cost(over)
        charges.append(charge)
        if self._held is None or not self._counted_later(over, len(charges) - 1):
            self._put_down(over, charge)

    def _counted_later(self, over: _Over, position: int) -> bool:
        """Settle when a tokenizer has counted; till then the request knows the attempt by the ratio."""

        def then(counted: Counted) -> None:
            charge = self._cost(over, counted)
            self._call.charges[position] = charge
            self._put_down(over, charge)

        held, self._held = self._held, None
        return held is not None and self._books.afterwards.later(
            self._row.place.model, held, countable(over.verdict), then
        )

    def _cost(self, over: _Over, counted: Counted = NOTHING_COUNTED) -> Charge:
        """What the attempt has cost. What was told of a whole answer is learned from."""
        place, prompt_bytes, verdict = self._row.place, self._row.prompt_bytes, over.verdict
        estimator = self._books.estimator
        usage, estimated = estimator.usage(
            place.upstream, place.model, prompt_bytes, verdict, counted=counted, most=self._most
        )
        if verdict.basis is Basis.TOLD and verdict.told is not None and not estimated:
            estimator.learn(
                place.upstream,
                place.model,
                prompt_bytes=prompt_bytes,
                answer_bytes=verdict.said.answer,
                told=verdict.told,
            )
        is_billed = verdict.basis is not Basis.NOTHING or usage.total > 0
        return self._charge(usage, over.units if is_billed else Units(), estimated=estimated)

    def _charge(self, usage: Usage, units: Units, *, estimated: bool) -> Charge:
        """By the prices that held when the attempt was made."""
        return self._books.charged(self._row.place, self._row.at, usage, units, estimated=estimated)

    def _put_down(self, over: _Over, charge: Charge) -> None:
        """The attempt has cost that, once and for all."""
        self._books.charging(self._call, self._row.place, charge)
        self._books.journal.settled(
            Settled(
                id=self._row.id,
                at=over.at,
                outcome=over.verdict.outcome,
                charge=charge,
                seconds=over.seconds,
                answer_bytes=over.verdict.said.answer,
                reported=over.verdict.told,
                error_code=over.error_code,
            )
        )
        self._call.spending.settled(self._call, self._row.estimate, charge)


def _texts(delta: Delta) -> list[str]:
    said = [delta.reasoning or "", delta.content or ""]
    for call in delta.tool_calls:
        said += (call.name or "", call.arguments)
    return said
