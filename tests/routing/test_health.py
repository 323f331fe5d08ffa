"""The active look at deployments."""

from __future__ import annotations

import asyncio

import pytest

from glmgate.routing.breaker import Breaker, BreakerPolicy
from glmgate.routing.health import HealthCheck
from tests.fakes.time import FakeTime, settled


async def _well() -> bool:
    return True


async def _ill() -> bool:
    return False


async def _broken() -> bool:
    raise OSError("nobody listens")


async def _silent() -> bool:
    await asyncio.Event().wait()
    return True


async def test_each_result_is_told_to_its_breaker() -> None:
    """A refusal, an exception and silence are failures; one deployment's do not hold up another's."""
    breakers = {
        name: Breaker(name, policy=BreakerPolicy(consecutive=1)) for name in ("well", "ill", "broken", "silent")
    }
    probes = {"well": _well, "ill": _ill, "broken": _broken, "silent": _silent}
    await HealthCheck(probes, breakers.__getitem__, timeout_s=0.05).look()
    assert {name: breaker.state for name, breaker in breakers.items()} == {
        "well": "closed",
        "ill": "open",
        "broken": "open",
        "silent": "open",
    }


async def test_it_looks_again_and_again_until_it_is_ended() -> None:
    """A deployment that is well again is let in before its time is over."""
    time = FakeTime()
    breaker = Breaker("a", policy=BreakerPolicy(consecutive=1, open_s=1000), clock=time)
    answers = [False, True]

    async def probe() -> bool:
        return answers.pop(0)

    task = asyncio.create_task(HealthCheck({"a": probe}, lambda _: breaker, sleep=time.sleep).run())
    await settled()
    assert breaker.is_open
    time.advance(10)
    await settled()
    assert breaker.state == "half-open"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
