"""Leases: whose reservations are given up, and whose never."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from functools import partial

import pytest
from sqlalchemy import select

from glmgate.storage.database import Database
from glmgate.storage.instances import LEASE_S, RENEW_S, Lease
from glmgate.storage.ledger import move
from glmgate.storage.opening import open_database
from glmgate.storage.schema import instances
from tests.fakes.clock import FakeClock
from tests.storage.attempts import agree, reserved, settled, states, uid


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of each sort."""
    opened = await open_database(database_url)
    yield opened
    await opened.aclose()


@pytest.fixture
def clock() -> FakeClock:
    """The time of all processes."""
    return FakeClock()


def lease(name: str, clock: FakeClock) -> Lease:
    """A process's lease."""
    return Lease(name, clock=clock)


async def held(database: Database) -> set[str]:
    """Who has a lease, run out or not."""
    return set(await database.read(lambda connection: connection.scalars(select(instances.c.id)).all()))


async def given_up(database: Database, by: Lease, living: Collection[str] = ()) -> dict[str, int]:
    """What `by` gives up of the others."""
    return await database.append(partial(by.give_up, living=living))


async def test_a_living_worker_keeps_its_reservations(database: Database, clock: FakeClock) -> None:
    """However long they last, as long as it renews its lease."""
    worker, other = lease("one", clock), lease("two", clock)
    await database.append(partial(move, batch=[reserved(1)]))
    for _ in range(20):
        await database.append(worker.renew)
        clock.advance(RENEW_S)
        assert await given_up(database, other) == {}
    assert await database.read(states) == {f"{uid(1)}.0": "reserved"}


async def test_a_lease_that_ran_out_is_given_up(database: Database, clock: FakeClock) -> None:
    """Its reservations are settled as unknown, once, and it is gone from the list."""
    worker, other = lease("one", clock), lease("two", clock)
    await database.append(worker.renew)
    await database.append(other.renew)
    await database.append(partial(move, batch=[reserved(1), reserved(2), settled(2), reserved(3, instance="two")]))
    clock.advance(LEASE_S - 1)
    assert await given_up(database, other) == {}
    await database.append(other.renew)
    clock.advance(2)
    assert await given_up(database, other) == {"one": 1}
    assert await database.read(states) == {
        f"{uid(1)}.0": "unknown", f"{uid(2)}.0": "settled", f"{uid(3)}.0": "reserved"
    }  # fmt: skip
    assert await held(database) == {"two"}
    assert await given_up(database, other) == {}
    assert (await agree(database))["attempts"] == 2


async def test_nobody_gives_up_itself(database: Database, clock: FakeClock) -> None:
    """A process that was paused finds its own lease run out."""
    worker = lease("one", clock)
    await database.append(worker.renew)
    await database.append(partial(move, batch=[reserved(1)]))
    clock.advance(10 * LEASE_S)
    assert await given_up(database, worker) == {}


async def test_who_is_known_to_live_is_not_judged_by_its_lease(database: Database, clock: FakeClock) -> None:
    """A neighbour whose journal is locked lives, also where it could not renew its lease."""
    worker, other = lease("one", clock), lease("two", clock)
    await database.append(worker.renew)
    await database.append(partial(move, batch=[reserved(1)]))
    clock.advance(10 * LEASE_S)
    assert await given_up(database, other, {"one"}) == {}
    assert await given_up(database, other) == {"one": 1}


async def test_a_paused_process_that_comes_back_tells_the_truth(database: Database, clock: FakeClock) -> None:
    """It has a lease again, and what it settles late replaces what was unknown."""
    worker, other = lease("one", clock), lease("two", clock)
    await database.append(worker.renew)
    await database.append(partial(move, batch=[reserved(1)]))
    clock.advance(10 * LEASE_S)
    await given_up(database, other)
    await database.append(worker.renew)
    assert await held(database) == {"one"}
    await database.append(partial(move, batch=[settled(1), reserved(2)]))
    assert await database.read(states) == {f"{uid(1)}.0": "settled", f"{uid(2)}.0": "reserved"}
    assert (await agree(database))["amount"] == 300


async def test_a_lease_is_given_back_with_what_is_left(database: Database, clock: FakeClock) -> None:
    """At its end nothing of a process is under way any more."""
    worker = lease("one", clock)
    await database.append(worker.renew)
    await database.append(partial(move, batch=[reserved(1)]))
    assert await database.append(partial(worker.bury, instance="one")) == 1
    assert await held(database) == set()


def test_after_an_outage_others_get_the_time_to_renew_their_leases(clock: FakeClock) -> None:
    """Leases run out of everybody while the database is away: nobody is judged for as long as a lease lasts."""
    worker = lease("one", clock)
    judged = [worker.may_judge]
    for step in (worker.reached, LEASE_S - 1, worker.reached, 1.0, worker.missed, worker.reached, LEASE_S):
        if isinstance(step, float):
            clock.advance(step)
        else:
            step()
        judged.append(worker.may_judge)
    assert judged == [False, False, False, False, True, False, False, True]
