"""The slots of an upstream's credentials: who gets one when, and who is told that there is none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from glmgate.errors import CapacityExceeded, CredentialRefused, GlmgateError, QuotaExhausted
from glmgate.routing.interfaces import NoSlot, PoolState
from glmgate.routing.learning import Learn
from glmgate.routing.slots import Lease, Pool
from tests.fakes.time import FakeTime


def pool(credentials: int = 1, *, limit: int | Learn = 1, queue_limit: int = 100, time: FakeTime | None = None) -> Pool:
    """A pool on a clock that stands still."""
    time = time or FakeTime()
    names = [f"print-{number}" for number in range(credentials)]
    return Pool("main", names, limit=limit, queue_limit=queue_limit, clock=time, later=time.later)


async def settled() -> None:
    """Everything that can go on has gone on."""
    for _ in range(5):
        await asyncio.sleep(0)


def ask(pool: Pool, key_id: str, *, timeout_s: float = 1e6, **more: frozenset[int]) -> asyncio.Task[Lease]:
    """A request that waits for a slot."""
    return asyncio.create_task(pool.acquire(key_id, timeout_s=timeout_s, **more))


async def test_twenty_calls_share_one_slot_in_fair_order() -> None:
    """One at a time; keys take turns, and within a key the order of coming holds."""
    only, order, in_flight = pool(), [], 0

    async def request(name: str) -> None:
        nonlocal in_flight
        with await only.acquire(name[0], timeout_s=60):
            order.append(name)
            in_flight += 1
            assert in_flight == 1
            await asyncio.sleep(0)
            in_flight -= 1

    names = [f"a{number:02}" for number in range(16)] + ["b00", "b01", "c00", "c01"]
    await asyncio.gather(*(request(name) for name in names))
    assert order[:7] == ["a00", "a01", "b00", "c00", "a02", "b01", "c01"]
    assert sorted(order) == sorted(names)
    assert only.state().credentials[0].in_flight == 0


async def test_credentials_take_turns() -> None:
    """The least loaded one is next, and of equals the one that was idle longest."""
    both = pool(2, limit=2)
    leases = [await both.acquire("key", timeout_s=1) for _ in range(4)]
    assert [lease.credential for lease in leases] == [0, 1, 0, 1]
    leases[1].release()
    leases[3].release()
    assert (await both.acquire("key", timeout_s=1)).credential == 1


async def test_a_deadline_ends_the_waiting() -> None:
    """With when to come again; the place in the queue is free."""
    time = FakeTime()
    only = pool(time=time)
    lease = await only.acquire("key", timeout_s=1)
    waiting = ask(only, "key", timeout_s=5)
    await settled()
    time.advance(5)
    with pytest.raises(NoSlot) as caught:
        await waiting
    assert caught.value.status == 429
    assert caught.value.retry_after_s is not None
    assert only.state().waiting == 0
    with pytest.raises(NoSlot):
        await only.acquire("key", timeout_s=0)
    lease.release()
    (await only.acquire("key", timeout_s=0)).release()


async def test_a_full_queue_refuses_whoever_fills_it() -> None:
    """A key with many waiting requests loses its newest one to a key that has none."""
    only = pool(queue_limit=2)
    lease = await only.acquire("greedy", timeout_s=1)
    first, second, third = (ask(only, "greedy") for _ in range(3))
    await settled()
    with pytest.raises(NoSlot, match="2 requests wait already"):
        await third
    modest = ask(only, "modest")
    with pytest.raises(NoSlot):
        await second
    lease.release()
    (await first).release()
    (await modest).release()


async def test_a_request_that_is_left_keeps_no_slot() -> None:
    """Neither while it waits nor in the moment in which it is given one."""
    only = pool()
    lease = await only.acquire("key", timeout_s=1)
    waiting, next_one = ask(only, "key"), ask(only, "key")
    await settled()
    lease.release()  # given to the first, which is left before it can run
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (await next_one).release()
    assert only.state() == PoolState("main", 0, only.state().credentials)
    assert only.state().credentials[0].in_flight == 0


async def test_no_request_goes_to_a_parked_credential_before_its_reset() -> None:
    """To the second; a request that waits for another slot gets it then."""
    time = FakeTime()
    both = pool(2, time=time)
    both.park(0, time.now + 100, reason=QuotaExhausted("Empty."))
    busy = await both.acquire("key", timeout_s=1)
    assert busy.credential == 1
    waiting = ask(both, "key", timeout_s=200)
    await settled()
    time.advance(99)
    await settled()
    assert not waiting.done()
    time.advance(1)
    assert (await waiting).credential == 0


@pytest.mark.parametrize(
    ("reason", "kind", "retry"),
    [
        (QuotaExhausted("Empty.", zai_code="1308"), QuotaExhausted, False),
        (CredentialRefused("Bad key."), CredentialRefused, False),
        (CapacityExceeded("Too many today.", zai_code="1304"), CapacityExceeded, True),
    ],
)
async def test_when_all_are_parked_the_reset_is_told(
    reason: GlmgateError, kind: type[GlmgateError], *, retry: bool
) -> None:
    """As the error that parked them, with its code; nobody waits."""
    time = FakeTime()
    both = pool(2, time=time)
    both.park(0, time.now + 500, reason=reason)
    waiting = ask(both, "key")
    lease = await waiting
    second = ask(both, "key")
    await settled()
    both.park(1, time.now + 300, reason=reason)
    for refused in (second, ask(both, "key")):
        with pytest.raises(kind) as caught:
            await refused
        assert caught.value.retry_after_s == 300
        assert caught.value.retry is retry
        assert caught.value.zai_code == reason.zai_code or kind is CapacityExceeded
    lease.release()
    time.advance(300)
    assert (await both.acquire("key", timeout_s=1)).credential == 1


@pytest.mark.parametrize("reason", [QuotaExhausted("Empty."), CapacityExceeded("Too many.")])
async def test_an_unknown_reset_is_not_made_up(reason: GlmgateError) -> None:
    """The client is told not to try again (contract row A1, 1113)."""
    only = pool()
    only.park(0, None, reason=reason)
    with pytest.raises(type(reason)) as caught:
        await only.acquire("key", timeout_s=1e6)
    assert caught.value.retry_after_s is None
    assert caught.value.retry is False


async def test_a_resting_credential_is_waited_for_if_the_deadline_allows() -> None:
    """An upstream's Retry-After is obeyed by all requests, not only by the one that was told."""
    time = FakeTime()
    only = pool(time=time)
    only.rest(0, 10)
    with pytest.raises(NoSlot) as caught:
        await only.acquire("key", timeout_s=9)
    assert caught.value.retry_after_s == 10
    waiting = ask(only, "key", timeout_s=11)
    await settled()
    time.advance(9.9)
    await settled()
    assert not waiting.done()
    time.advance(0.1)
    (await waiting).release()


async def test_a_request_avoids_what_it_has_tried() -> None:
    """And holds up nobody who may have it."""
    both = pool(2)
    first = await both.acquire("key", timeout_s=1)
    assert first.credential == 0
    second = await both.acquire("key", timeout_s=1, avoid=frozenset({0}))
    waiting, other = ask(both, "key", avoid=frozenset({0})), ask(both, "key")
    await settled()
    first.release()
    assert (await other).credential == 0
    assert not waiting.done()
    second.release()
    assert (await waiting).credential == 1
    with pytest.raises(NoSlot, match="No credential"):
        await both.acquire("key", timeout_s=1, avoid=frozenset({0, 1}))


async def test_a_credential_is_drained_and_another_added_without_a_restart() -> None:
    """What runs goes on, new requests go to the new one, and one that knows only the old one still gets it."""
    only = pool()
    running = await only.acquire("key", timeout_s=1)
    waiting = ask(only, "key")
    old_request = ask(only, "key", among=frozenset({0}))
    await settled()
    assert only.reconfigure(["new"], limit=1, queue_limit=100) == (1,)
    assert (await waiting).credential == 1
    assert not old_request.done()
    running.release()
    assert (await old_request).credential == 0
    assert [credential.draining for credential in only.state().credentials] == [True, False]


async def test_a_reload_keeps_open_slots_parks_and_learned_limits() -> None:
    """By fingerprint, whatever the order in the file."""
    time = FakeTime()
    both = pool(2, limit=Learn(most=8), time=time)
    lease = await both.acquire("key", timeout_s=1)
    lease.went_well()
    both.park(1, time.now + 60)
    assert both.reconfigure(["print-1", "print-0"], limit=Learn(most=8), queue_limit=5) == (1, 0)
    first, second = both.state().credentials
    assert (first.in_flight, first.limit) == (1, 2)
    assert second.parked_until == time.now + 60


async def test_a_learned_limit_lets_more_through_after_success() -> None:
    """From one call at a time upwards; a rate error takes it back."""
    only = pool(limit=Learn())
    first = await only.acquire("key", timeout_s=1)
    waiting = ask(only, "key")
    await settled()
    assert not waiting.done()
    first.went_well()
    second = await waiting
    assert only.state().credentials[0].in_flight == 2
    second.overloaded()
    first.release()
    second.release()
    assert only.state().credentials[0].limit == 1


@dataclass
class Waiting:
    """A request of the machine below."""

    task: asyncio.Task[Lease]
    key_id: str
    avoid: frozenset[int]
    deadline: float


class Pools(RuleBasedStateMachine):
    """Everything that can happen to a pool of three credentials with two slots each, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.time = FakeTime()
        self.pool = pool(3, limit=2, queue_limit=6, time=self.time)
        self.waiting: list[Waiting] = []
        self.leases: list[Lease] = []
        self.parked: dict[int, float] = {}
        self.drained: set[int] = set()

    def teardown(self) -> None:
        """Nothing is left when everybody has gone."""
        self.runner.run(self._leave())
        assert all(one.in_flight == 0 for one in self.pool.state().credentials)
        assert self.pool.state().waiting == 0
        self.runner.close()

    async def _leave(self) -> None:
        for one in self.waiting:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in self.waiting), return_exceptions=True)
        for lease in self.leases:
            lease.release()

    async def _settle(self) -> None:
        await settled()
        for one in [one for one in self.waiting if one.task.done()]:
            self.waiting.remove(one)
            if one.task.cancelled() or one.task.exception() is not None:
                continue
            lease = one.task.result()
            assert lease.credential not in one.avoid
            assert self.time.now >= self.parked.get(lease.credential, 0.0)
            assert lease.credential not in self.drained
            self.leases.append(lease)

    @rule(
        key_id=st.sampled_from("abc"), avoid=st.frozensets(st.integers(0, 2), max_size=2), timeout_s=st.integers(0, 300)
    )
    def a_request_comes(self, key_id: str, avoid: frozenset[int], timeout_s: int) -> None:
        """Of any key, with or without something to avoid."""

        async def come() -> None:
            task = ask(self.pool, key_id, timeout_s=timeout_s, avoid=avoid)
            self.waiting.append(Waiting(task, key_id, avoid, self.time.now + timeout_s))
            await self._settle()

        self.runner.run(come())

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), how=st.sampled_from(["ended", "overloaded", "well"]))
    def a_call_ends(self, data: st.DataObject, how: str) -> None:
        """Well or not."""

        async def end() -> None:
            lease = self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))
            if how == "overloaded":
                lease.overloaded()
            if how == "well":
                lease.went_well()
            lease.release()
            lease.release()
            await self._settle()

        self.runner.run(end())

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), also=st.booleans())
    def a_request_is_left(self, data: st.DataObject, *, also: bool) -> None:
        """While it waits, or in the moment in which a slot comes free."""

        async def leave() -> None:
            if also and self.leases:
                self.leases.pop().release()
            self.waiting[data.draw(st.integers(0, len(self.waiting) - 1))].task.cancel()
            await self._settle()

        self.runner.run(leave())

    @rule(credential=st.integers(0, 2), ahead=st.none() | st.integers(1, 400))
    def a_credential_is_parked(self, credential: int, ahead: int | None) -> None:
        """Until a time that is known or not."""

        async def park() -> None:
            self.pool.park(credential, None if ahead is None else self.time.now + ahead)
            until = self.pool.state().credentials[credential].parked_until
            assert until is not None
            self.parked[credential] = until
            await self._settle()

        self.runner.run(park())

    @rule(credential=st.integers(0, 2), seconds=st.integers(0, 60))
    def a_credential_rests(self, credential: int, seconds: int) -> None:
        """For a moment."""

        async def rest() -> None:
            self.pool.rest(credential, seconds)
            await self._settle()

        self.runner.run(rest())

    @rule(credential=st.integers(0, 2))
    def a_credential_is_drained_or_taken_back(self, credential: int) -> None:
        """By turns."""

        async def turn() -> None:
            if credential in self.drained:
                self.drained.discard(credential)
                assert self.pool.add(f"print-{credential}") == credential
            else:
                self.drained.add(credential)
                self.pool.drain(credential)
            await self._settle()

        self.runner.run(turn())

    @rule(seconds=st.integers(1, 60))
    def time_goes_by(self, seconds: int) -> None:
        """Second by second, so that each lease is looked at in its own."""

        async def go_by() -> None:
            for _ in range(seconds):
                self.time.advance(1)
                await self._settle()

        self.runner.run(go_by())

    @invariant()
    def no_credential_has_more_than_its_slots(self) -> None:
        """And the pool counts what really runs."""
        for one in self.pool.state().credentials:
            assert one.in_flight == sum(lease.credential == one.place for lease in self.leases) <= 2

    @invariant()
    def nobody_waits_for_what_is_free(self) -> None:
        """Nor longer than allowed, nor for what will not come, nor are there too many."""
        state = self.pool.state()
        assert state.waiting == len(self.waiting) <= 6
        for one in self.waiting:
            assert self.time.now < one.deadline
            allowed = [each for each in state.credentials if each.place not in one.avoid and not each.draining]
            ready = [each for each in allowed if each.parked_until is None and each.resting_until is None]
            assert all(each.in_flight >= each.limit for each in ready)
            assert any(each.parked_until is None and (each.resting_until or 0.0) <= one.deadline for each in allowed)


TestPools = Pools.TestCase
TestPools.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
