"""Tests of moderations in the books: what each question costs, whose it is, and how it may end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from glmgate.errors import EngineFailed, QuotaExhausted, RequestRefused, Unavailable
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.routing.judged import BookedModerator
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Place
from glmgate.wire.moderation import Direction, Judgement, Passage
from tests.fakes.journal import FakeJournal
from tests.fakes.moderator import FakeModerator
from tests.routing.booking import PLACE as BOOKED
from tests.routing.booking import Desk, request

PLACE = Place("zai/moderations", "zai", "moderations")
PRICES = Prices([Price(model="moderations", currency="USD", rates=Rates(prompt=100_000_000, call=1000))])
PASSAGES = (Passage("messages[0]", "a text of some length that has many tokens"),)


@dataclass(slots=True)
class Telling(FakeModerator):
    """Tells how many tokens it has used."""

    usage: Usage | None = None

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:
        """With them."""
        said = await FakeModerator.judge(self, call, direction, passages)
        return Judgement(flagged=said.flagged, usage=self.usage)


def desk(journal: FakeJournal | None = None) -> Desk:
    """Books with a price for moderations."""
    return Desk(prices=PRICES, journal=journal or FakeJournal())


async def test_each_question_is_an_attempt_of_the_request_that_it_judges() -> None:
    """In the ledger with the request's id and owner, and among its attempts."""
    at = desk()
    moderator = Telling(usage=Usage(12, 1))
    judgement = await BookedModerator(moderator, PLACE, timer=at.time).judge(at.call, "input", PASSAGES)
    assert not judgement.flagged
    (reserved,), (settled,) = at.journal.reservations, at.journal.settlements
    assert (reserved.id, reserved.request_uid, reserved.place) == (f"{at.call.uid}.h0", at.call.uid, PLACE)
    assert (settled.outcome, settled.charge.usage, settled.charge.estimated) == ("ok", Usage(12, 1), False)
    assert settled.charge.amount == 12 * 100 + 1000
    assert at.call.charges == [settled.charge]
    (attempt,) = at.call.attempts
    assert (attempt.deployment, attempt.outcome, attempt.usage) == ("zai/moderations", "ok", Usage(12, 1))


async def test_the_request_is_counted_where_it_is_answered() -> None:
    """Reports count a request with its attempt `.0`, and that is not a question of a filter."""
    at = desk()
    moderator = BookedModerator(FakeModerator(), PLACE)
    await moderator.judge(at.call, "input", PASSAGES)
    await at.books.reserve(at.call, BOOKED, request())
    await moderator.judge(at.call, "output", PASSAGES)
    ids = [each.id.rpartition(".")[2] for each in at.journal.reservations]
    assert ids == ["h0", "0", "h1"]


async def test_a_service_that_tells_of_no_tokens_is_charged_for_the_call_alone() -> None:
    """However long the text is."""
    at = desk()
    await BookedModerator(FakeModerator(), PLACE).judge(at.call, "input", PASSAGES)
    (settled,) = at.journal.settlements
    assert (settled.charge.usage, settled.charge.units.calls, settled.charge.amount) == (Usage(), 1, 1000)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(EngineFailed("No."), "failed_before"), (RequestRefused("No."), "refused"), (ValueError(), "failed_before")],
)
async def test_one_that_fails_costs_nothing(error: Exception, outcome: str) -> None:
    """And is an attempt all the same."""
    at = desk()
    with pytest.raises(type(error)):
        await BookedModerator(FakeModerator(error=error), PLACE).judge(at.call, "input", PASSAGES)
    (settled,) = at.journal.settlements
    assert (settled.outcome, settled.charge.amount) == (outcome, 0)
    assert [attempt.outcome for attempt in at.call.attempts] == [outcome]


async def test_one_that_says_nothing_in_time_is_cancelled() -> None:
    """What it costs then is one call: nobody knows that it was not made."""
    at = desk()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(
            BookedModerator(FakeModerator(silent=True), PLACE).judge(at.call, "input", PASSAGES), 0.01
        )
    (settled,) = at.journal.settlements
    assert (settled.outcome, settled.charge.amount) == ("cancelled", 1000)


async def test_a_budget_is_told() -> None:
    """Before and after, as of any other attempt."""
    at = desk()
    await BookedModerator(FakeModerator(), PLACE).judge(at.call, "output", PASSAGES)
    assert (at.spending.held, at.spending.spent) == ([], at.call.charges)


async def test_a_budget_does_not_refuse() -> None:
    """The text has to be judged, whatever is left; what it costs is in the ledger then."""
    at = desk()
    at.spending.refusal = QuotaExhausted("Nothing is left.")
    await BookedModerator(FakeModerator(), PLACE).judge(at.call, "output", PASSAGES)
    assert at.spending.spent == []
    assert at.journal.settlements[0].charge.amount == 1000


async def test_what_cannot_be_put_down_is_not_asked() -> None:
    """As any other attempt."""
    at = desk(journal=FakeJournal(refusal=Unavailable("The disk is full.")))
    moderator = FakeModerator()
    with pytest.raises(Unavailable):
        await BookedModerator(moderator, PLACE).judge(at.call, "input", PASSAGES)
    assert moderator.shown == []
