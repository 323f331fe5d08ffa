"""Requests that have ended, as rows of the ledger.

What each of their attempts cost is put down by the books; here they are summed.
"""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import override

from glmgate.policy.ledger import Ended, Journal, Owner, amounts_of
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.wire.delta import Usage


class EndedRows(Observer):
    """Puts the end of each request into `journal`. `clock` gives Unix seconds."""

    def __init__(self, journal: Journal, *, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._clock = clock

    @override
    def began(self, flight: Flight) -> None:
        """Nothing is put down yet."""

    @override
    def ended(self, record: RequestRecord) -> None:
        self._journal.ended(ended(record, at=self._clock()))


def ended(record: RequestRecord, *, at: float) -> Ended:
    """The row of a request; its sums are those of its attempts."""
    charges = record.charges
    unpriced = [charge for charge in charges if charge.amount is None and (charge.usage.total or charge.units.calls)]
    return Ended(
        uid=record.uid,
        request_id=record.request_id,
        at=at,
        owner=Owner(key_id=record.key_id, organisation=record.organisation, project=record.project, tags=record.tags),
        model=record.model,
        answered_by=record.deployment,
        endpoint=record.endpoint,
        surface=record.surface,
        ending=record.ending,
        seconds=record.total_s,
        first_s=record.first_s,
        attempts=len(charges),
        usage=record.usage,
        billed=sum((charge.usage for charge in charges), Usage()),
        amounts=amounts_of(charges),
        unpriced=len(unpriced),
        estimated=any(charge.estimated for charge in charges),
        cache_use=record.cache_use,
        error_code=record.error_code,
    )
