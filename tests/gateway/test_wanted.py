"""Tests of all that one request asks, and of the error where one of it is not allowed."""

from __future__ import annotations

import pytest

from glmgate.errors import CapacityExceeded, QuotaExhausted
from glmgate.gateway.counting import Counting
from glmgate.gateway.wanted import Wanted, wanted
from glmgate.policy.admission import Target
from glmgate.policy.counters import Bucket, MemoryCounters, Refused, Slot, Spend, State
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.engine import Call, Caller, Place
from glmgate.wire.terms import Budget, Scope, Terms
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FakeLimitsWatch, FakePast, FarCounters
from tests.policy.quoting import quotes

REQUEST = ChatRequest(model="cheap", messages=[Message(role="user", content="x" * 68)], max_tokens=50)
BUDGETS = (Budget(limit="1000", unit="tokens"),)
SCOPES = (Scope("project", "p", Terms(rpm=60)), Scope("key", "k", Terms(tpm=600, in_flight=2, budgets=BUDGETS)))


def asked(scopes: tuple[Scope, ...] = SCOPES, request: ChatRequest | None = REQUEST) -> Wanted:
    """What a request asks of these scopes."""
    call = Call(request_id="r", caller=Caller("k", scopes=scopes), surface="openai")
    return wanted(call, request, (Target(Place("a/cheap", "a", "cheap")),), quotes=quotes(), now=FakeClock()())


def test_everything_is_asked_in_one_step() -> None:
    """Limits first: they let a request in again soonest."""
    found = asked()
    (account,) = found.accounts
    assert found
    assert found.asks == [
        Bucket("rpm:project:p", 60),
        Slot("slots:key:k", 2),
        Bucket("tpm:key:k", 600, 75),
        Spend(account.name, 150, account.span.until, 1000, 101, likely=75),
    ]
    assert found.kinds == ["requests", "in_flight", "tokens", "budgets"]


def test_who_has_no_limits_asks_nothing() -> None:
    """And a request that costs nothing but itself asks no tokens."""
    assert not asked((Scope("key", "k"),))
    found = asked(SCOPES, None)
    assert [ask.amount for ask in found.asks if isinstance(ask, Bucket)] == [1, 0]
    assert found.spends[0].amount == 0


def test_a_share_has_no_budgets() -> None:
    """They cannot be shared out."""
    part = asked().shared(0.5)
    assert part.asks == [Bucket("rpm:project:p", 30), Slot("slots:key:k", 1), Bucket("tpm:key:k", 300, 75)]
    assert part.kinds == ["requests", "in_flight", "tokens"]


async def test_the_error_is_of_what_was_refused() -> None:
    """A limit's, with its headers, or a budget's; each is told with whose it is."""
    counting, watch = Counting(MemoryCounters(), past=FakePast()), FakeLimitsWatch()
    found = asked()
    error = await found.refusal(Refused(0, State(0, 0, 60.0, 1.0)), counting, watch)
    assert isinstance(error, CapacityExceeded)
    assert found.call.headroom is not None
    assert found.call.headroom.requests is not None
    assert isinstance(await found.refusal(Refused(3, State(0, 99, 9.0, 9.0)), counting, watch), QuotaExhausted)
    assert watch.told == ["refused requests project", "refused budget key"]


async def test_a_budget_that_is_only_reserved_is_told_so() -> None:
    """The least is what counts: where that comes back, the request may come again."""
    found = asked()
    (account,) = found.accounts
    counting = Counting(MemoryCounters(), past=FakePast())
    refused = Refused(3, State(0, 1, 9.0, 9.0))
    counting.reserved[account.name] = 99
    assert (await found.refusal(refused, counting, FakeLimitsWatch())).retry is False
    counting.reserved[account.name] = 100
    assert (await found.refusal(refused, counting, FakeLimitsWatch())).retry is True


@pytest.mark.parametrize(("is_away", "retry"), [(False, True), (True, False)])
async def test_what_other_processes_have_reserved_counts(*, is_away: bool, retry: bool) -> None:
    """As far as the store can tell."""
    found = asked()
    (account,) = found.accounts
    store = FarCounters(FakeClock())
    await store.load({account.name: (0, account.span.until)})
    await store.take("elsewhere", [account.spend(100, likely=0)])
    store.is_away = is_away
    error = await found.refusal(Refused(3, State(0, 1, 9.0, 9.0)), Counting(store, past=FakePast()), FakeLimitsWatch())
    assert (error.retry, error.type) == (retry, "rate_limit_error" if retry else "insufficient_quota")
