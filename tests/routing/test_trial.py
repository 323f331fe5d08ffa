"""One attempt under way: what it tells to whom."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from glmgate.errors import CapacityExceeded, CredentialRefused, EngineFailed
from glmgate.routing.beginning import Begun
from glmgate.routing.breaker import Breaker, BreakerPolicy
from glmgate.routing.slots import Pool
from glmgate.routing.trial import Trial, TriedDeltas
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Call
from tests.fakes.engine import FakeEngine, call
from tests.fakes.time import FakeTime


class Parts:
    """A trial with everything that it tells."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.pool = Pool("main", ["x"], limit=4, clock=self.time, later=self.time.later)
        self.breaker = Breaker("m", policy=BreakerPolicy(consecutive=1), clock=self.time)
        self.call: Call = call()

    async def trial(self) -> Trial:
        """One that has begun now."""
        lease = await self.pool.acquire("key", timeout_s=1)
        return Trial(self.call, self.pool, lease, self.breaker.admit(), deployment="m", clock=self.time)


async def test_an_end_is_told_once() -> None:
    """Whatever is told after it."""
    parts = Parts()
    trial = await parts.trial()
    trial.begun()
    trial.saw((Delta(content="Hi", finish_reason="stop"),))
    trial.ended()
    trial.failed(EngineFailed("Too late."))
    trial.left()
    trial.release()
    trial.release()
    assert [row.outcome for row in parts.call.attempts] == ["ok"]
    assert parts.breaker.state == "closed"
    assert parts.pool.state().credentials[0].in_flight == 0


async def test_an_answer_that_nobody_read_has_still_cost_its_tokens() -> None:
    """A plain answer comes in one read, which was made before the reader could leave."""
    parts = Parts()
    trial = await parts.trial()
    whole = (Delta(content="Hi", finish_reason="stop", usage=Usage(5, 2)),)
    inner = FakeEngine([[]])
    async with inner.stream(parts.call, None) as rest:  # type: ignore[arg-type] # nobody looks at it
        TriedDeltas(Begun(deque([whole]), rest), trial)
        trial.left()
    assert [(row.outcome, row.usage) for row in parts.call.attempts] == [("ok", Usage(5, 2))]


async def test_the_tokens_of_all_choices_are_summed() -> None:
    """Of each choice the last count holds: they are cumulative."""
    parts = Parts()
    trial = await parts.trial()
    trial.saw((Delta(choice=0, content="a", usage=Usage(5, 1)), Delta(choice=1, content="b", usage=Usage(5, 1))))
    trial.saw((Delta(choice=0, finish_reason="stop", usage=Usage(5, 3)),))
    trial.ended()
    assert parts.call.attempts[0].usage == Usage(10, 4)


@pytest.mark.parametrize("stop", [asyncio.CancelledError(), GeneratorExit()])
async def test_being_cancelled_says_nothing_about_the_service(stop: BaseException) -> None:
    """The next probe of a breaker may be made."""
    parts = Parts()
    parts.breaker.admit().failed()
    parts.time.advance(5)
    trial = await parts.trial()
    trial.failed(stop)
    assert parts.call.attempts[0].outcome == "cancelled"
    assert parts.breaker.state == "half-open"
    assert not parts.breaker.is_open


async def test_remedies_are_obeyed_within_an_answer_too() -> None:
    """A credential can run out of money in the middle, and a limit can be met there."""
    parts = Parts()
    trial = await parts.trial()
    trial.begun()
    refused = CredentialRefused("Revoked.")
    refused.parked_until = parts.time.now + 50
    trial.failed(refused)
    assert parts.pool.state().credentials[0].parked_until == parts.time.now + 50
    parts = Parts()
    trial = await parts.trial()
    trial.begun()
    trial.failed(CapacityExceeded("Too many.", retry_after_s=3))
    (state,) = parts.pool.state().credentials
    assert (state.limit, state.resting_until) == (1, parts.time.now + 3)
    assert parts.breaker.state == "closed"
