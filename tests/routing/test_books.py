"""Books that are kept: what stands in their rows."""

from __future__ import annotations

import logging

import pytest

from glmgate.errors import InvalidRequest, Unavailable
from glmgate.policy.ledger import Owner
from glmgate.policy.prices import Prices
from glmgate.routing.booked import Booked
from glmgate.routing.books import owner_of
from glmgate.wire.charge import ONE_CALL, Charge, Units
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Caller, Place
from glmgate.wire.terms import Scope, Terms
from tests.fakes.engine import FakeEngine, text
from tests.fakes.tokenizer import FakeTokenizer
from tests.routing.booking import PLACE, Desk, request

CALLER = Caller(
    "k-1",
    "acme",
    "web",
    (Scope("organisation", "acme", Terms(tags=("eu", "paid"))), Scope("key", "k-1", Terms(tags=("paid", "bot")))),
)


async def answered(desk: Desk, *deltas: Delta) -> None:
    """An answer that ends by itself."""
    async with desk.booked(FakeEngine([[deltas]])).stream(desk.call, request()) as reads:
        async for _ in reads:
            pass


def test_whose_requests_they_are_is_the_caller_and_the_tags_of_its_scopes() -> None:
    """Each tag once."""
    assert owner_of(CALLER) == Owner(key_id="k-1", organisation="acme", project="web", tags=("eu", "paid", "bot"))


async def test_a_reservation_says_everything_that_is_known_before() -> None:
    """By whom, of what, where, and what it may cost at most."""
    desk = Desk()
    desk.call.caller = CALLER
    await desk.books.reserve(desk.call, PLACE, request("x" * 368, max_tokens=50))
    (row,) = desk.journal.reservations
    assert (row.id, row.request_uid, row.at, row.instance) == (f"{desk.call.uid}.0", desk.call.uid, 1e9, "i-1")
    assert (row.owner, row.model, row.place) == (owner_of(CALLER), "glm", PLACE)
    assert (row.endpoint, row.surface, row.prompt_bytes) == ("chat", "openai", 400)
    estimate = row.estimate
    assert (estimate.usage, estimate.units, estimate.estimated) == (Usage(100, 50), ONE_CALL, True)
    assert (estimate.amount, estimate.currency) == (100 * 600 + 50 * 2200 + 1000, "USD")
    assert estimate.price == "*/glm-4.6@always"
    assert desk.spending.held == [estimate]


async def test_a_settlement_says_what_came_and_what_it_costs() -> None:
    """With what the service said itself beside it."""
    desk = Desk()
    entry = await desk.books.reserve(desk.call, PLACE, request())
    desk.time.advance(2)
    entry.saw((Delta(content="abc", finish_reason="stop", usage=Usage(10, 5)),))
    entry.ended()
    (row,) = desk.journal.settlements
    assert (row.outcome, row.seconds, row.answer_bytes, row.reported) == ("ok", 2, 3, Usage(10, 5))
    assert (row.charge.amount, row.charge.estimated) == (10 * 600 + 5 * 2200 + 1000, False)
    assert row.error_code is None


async def test_whatever_is_told_after_the_end_is_not_heard() -> None:
    """An entry is settled once."""
    desk = Desk()
    entry = await desk.books.reserve(desk.call, PLACE, request())
    entry.left()
    entry.ended()
    entry.failed(InvalidRequest("Late."))
    entry.whole(Usage(5))
    assert desk.journal.outcomes == ["cancelled"]


async def test_a_refusal_costs_nothing_and_not_even_the_call() -> None:
    """It has an amount all the same: zero, where there is a price."""
    desk = Desk()
    entry = await desk.books.reserve(desk.call, PLACE, request())
    entry.failed(InvalidRequest("Bad."))
    (row,) = desk.journal.settlements
    assert (row.charge.usage, row.charge.units, row.charge.amount) == (Usage(), Units(), 0)
    assert row.error_code == "invalid_value"


async def test_other_units_are_charged_too() -> None:
    """Those that the engine says."""
    desk = Desk()
    entry = await desk.books.reserve(desk.call, PLACE, request())
    entry.whole(Usage(10), Units(calls=3))
    assert desk.call.charges[0].amount == 10 * 600 + 3 * 1000


async def test_what_services_tell_is_learned_for_those_that_do_not() -> None:
    """By model and upstream."""
    desk = Desk()
    for _ in range(100):
        await answered(desk, Delta(content="a" * 100, finish_reason="stop", usage=Usage(68, 50)))
    await answered(desk, Delta(content="a" * 100, finish_reason="stop"))
    usage = desk.call.charges[-1].usage
    assert desk.call.charges[-1].estimated
    assert usage.completion == pytest.approx(50, abs=3)
    assert usage.prompt == pytest.approx(68, abs=20)
    assert desk.books.estimator.upper("zai", "glm-4.6", 0, None) == Usage(0, 50)


@pytest.mark.parametrize(("is_left", "most", "reserved"), [(True, 90_000, 1024), (True, 7, 7), (False, 90_000, 90_000)])
async def test_what_budgets_have_left_is_not_what_is_likely(is_left: bool, most: int, reserved: int) -> None:
    """Else what a killed process leaves of one request is all that there was."""
    desk = Desk()
    desk.call.is_left = is_left
    await desk.books.reserve(desk.call, PLACE, request(max_tokens=most))
    assert desk.journal.reservations[0].estimate.usage.completion == reserved


async def test_estimates_are_not_learned_from() -> None:
    """They would make themselves true."""
    desk = Desk()
    for _ in range(30):
        await answered(desk, Delta(content="a" * 400, finish_reason="stop"))
    assert desk.books.estimator.upper("zai", "glm-4.6", 0, None) == Usage(0, 1024)


SAID = Delta(
    reasoning="Hm",
    content="汉字",
    tool_calls=(ToolCallDelta(index=0, id="c", name="get", arguments="{}"),),
    finish_reason="stop",
)


async def test_what_nobody_told_is_counted_by_a_tokenizer_and_settled_then() -> None:
    """All that was said, in whatever member, and the prompt of each answer; once, in every place."""
    desk, told = Desk(), list[Charge]()
    desk.books.afterwards.tokenizer = tokenizer = FakeTokenizer()
    desk.books.charging = lambda _call, _place, charge: told.append(charge)
    entry = await desk.books.reserve(
        desk.call, PLACE, ChatRequest(model="glm", messages=request("Hello").messages, n=2)
    )
    entry.saw((SAID,))
    desk.time.advance(2)
    entry.ended()
    desk.time.advance(2)
    assert (desk.journal.settlements, told, desk.spending.spent) == ([], [], [])
    assert len(desk.spending.held) == 1
    assert desk.call.charges[0].usage.completion == 4  # 13 bytes by the ratio, for a request that ends now
    await desk.books.afterwards.aclose()
    (row,) = desk.journal.settlements
    assert (row.outcome, row.seconds, row.answer_bytes, row.reported) == ("ok", 2, 13, None)
    assert (row.charge.usage, row.charge.estimated) == (Usage(2 * 5, 2 + 2 + 3 + 2, 0, 1), True)
    assert desk.call.charges == told == desk.spending.spent == [row.charge]
    assert desk.spending.held == []
    assert tokenizer.models == ["glm-4.6", "glm-4.6"]


async def test_what_a_service_told_waits_for_no_tokenizer() -> None:
    """Nor what is our own engine's, or embedded."""
    desk = Desk()
    desk.books.afterwards.tokenizer = tokenizer = FakeTokenizer()
    await answered(desk, Delta(content="x", finish_reason="stop", usage=Usage(5, 1)))
    own = await desk.books.reserve(desk.call, Place("own", "", "own"), request())
    own.left()
    vectors = await desk.books.reserve(desk.call, PLACE, EmbeddingsRequest(model="m", input="x"))
    vectors.whole(None)
    assert desk.journal.outcomes == ["ok", "cancelled", "ok"]
    assert tokenizer.models == []


async def test_an_attempt_that_is_not_counted_is_settled_by_the_ratio() -> None:
    """When the tokenizer says nothing, too late, or when it is too late to ask."""
    desk = Desk()
    desk.books.afterwards.tokenizer = tokenizer = FakeTokenizer(is_silent=True)
    await answered(desk, SAID)
    await desk.books.afterwards.aclose()
    await answered(desk, SAID)
    assert [row.charge.usage for row in desk.journal.settlements] == [Usage(9, 4, 0, 0)] * 2
    assert len(tokenizer.models) == 2


async def test_a_model_without_a_price_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Its attempts have no amount; a local model needs no price."""
    desk = Desk(prices=Prices())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await answered(desk, Delta(content="x", finish_reason="stop", usage=Usage(5, 1)))
        local = Booked(FakeEngine([text("x")]), Place("own", "", "own"))
        async with local.stream(desk.call, request()):
            pass
    assert [record.getMessage() for record in caplog.records] == [
        (
            "the model 'glm-4.6' of the upstream 'zai' has no price: its attempts are in the ledger without an amount; "
            "add it to [[prices]]"
        )
    ]
    assert all(charge.amount is None for charge in desk.call.charges)


async def test_a_journal_that_takes_nothing_lets_nothing_be_sent() -> None:
    """What was held of the budget is free again."""
    desk = Desk()
    desk.journal.refusal = Unavailable("The disk is full.")
    with pytest.raises(Unavailable):
        await desk.books.reserve(desk.call, PLACE, request())
    assert (desk.spending.held, desk.journal.settlements) == ([], [])
    assert [charge.amount for charge in desk.spending.spent] == [0]


async def test_what_an_attempt_has_cost_is_told_once() -> None:
    """With where it was made, when it is settled."""
    desk, told = Desk(), list[tuple[str, Place, Charge]]()
    desk.books.charging = lambda call, place, charge: told.append((call.uid, place, charge))
    await answered(desk, Delta(content="a"), Delta(finish_reason="stop", usage=Usage(5, 1)))
    assert told == [(desk.call.uid, PLACE, desk.call.charges[0])]
