"""What outlives a reload."""

from __future__ import annotations

from glmgate.errors import QuotaExhausted
from glmgate.routing.attempts import Attempts
from glmgate.routing.continuity import Continuity, OwnPools
from glmgate.routing.learning import Learn
from tests.fakes.asked import chat, said
from tests.fakes.engine import FakeEngine, call, text
from tests.fakes.time import FakeTime


async def test_a_reload_carries_everything_over_by_name() -> None:
    """Slots that are open, parked credentials, learned limits, breakers and budgets."""
    time = FakeTime()
    pools = OwnPools(clock=time)
    kept = Continuity(pools=pools, clock=time)
    before = kept.pool("main", ["x", "y"], limit=Learn())
    before.pool.park(before.places[0], time.now + 60, reason=QuotaExhausted("Empty."))
    lease = await before.pool.acquire("key", timeout_s=1)
    after = kept.pool("main", ["y", "z", "x"], limit=Learn(), queue_limit=7)
    assert after.pool is before.pool
    assert (after.places[0], after.places[2]) == (before.places[1], before.places[0])
    states = {one.place: one for one in pools.state()[0].credentials}
    assert states[after.places[2]].parked_until == time.now + 60
    assert states[after.places[0]].in_flight == 1
    assert kept.breaker("main/m") is kept.breaker("main/m")
    assert kept.budget("main/m") is kept.budget("main/m")
    lease.release()


async def test_a_request_that_runs_during_a_reload_is_not_dropped() -> None:
    """Its next call still goes to the credential that it knows, although that is gone for others."""
    kept = Continuity()
    places = kept.pool("main", ["old"], limit=1)
    old = Attempts(places.pool, {0: FakeEngine([text("old")])}, deployment="m", breaker=kept.breaker("m"))
    async with old.stream(call(), chat()) as deltas:
        renewed = kept.pool("main", ["new"], limit=1)
        engines = {renewed.places[0]: FakeEngine([text("new")])}
        new = Attempts(renewed.pool, engines, deployment="m", breaker=kept.breaker("m"))
        assert await said(new, call()) == "new"
        _ = [read async for read in deltas]
    assert await said(old, call()) == "old"


def test_what_is_gone_from_the_settings_is_forgotten() -> None:
    """Should it come back, it starts anew."""
    kept = Continuity()
    gone = kept.pool("gone", ["x"]).pool
    breaker = kept.breaker("gone/m")
    kept.pool("here", ["x"])
    kept.breaker("here/m")
    kept.keep({"here"}, {"here/m"})
    assert [one.name for one in kept.state().pools] == ["here"]
    assert kept.state().breakers == {"here/m": "closed"}
    assert kept.pool("gone", ["x"]).pool is not gone
    assert kept.breaker("gone/m") is not breaker
