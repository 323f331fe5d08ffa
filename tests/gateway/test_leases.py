"""Tests of what requests hold of hard budgets: taken, ended, told to a store, and made anew by it."""

from __future__ import annotations

from glmgate.gateway.leases import Lease, Leases
from glmgate.policy.counters import Ask, Bucket, Change, Slot, Spend, State


def spend(amount: int = 80, likely: int | None = 30, *, name: str = "money") -> Spend:
    """An ask of a period."""
    return Spend(name, amount, 1e12, 100, likely=likely)


def held(amount: int = 80) -> Leases:
    """Those of one request that was granted so much."""
    leases = Leases()
    leases.granted("a", [spend()], [State(amount, 0)])
    return leases


def test_what_is_granted_beyond_the_likely_is_held() -> None:
    """Of spends only; at first the ledger knows nothing of it."""
    leases = Leases()
    asks: list[Ask] = [
        Bucket("rpm", 5),
        Slot("s", 1),
        spend(),
        spend(likely=None, name="warned"),
        spend(20, name="small"),
    ]
    leases.granted("a", asks, [State(1, 4), State(1, 0), State(50, 0), State(80, 0), State(20, 0)])
    assert len(leases) == 1
    assert leases.get("money", "a") == Lease(amount=20, unknown=50)
    assert leases.get("money", "b") is None


def test_more_adds_to_it() -> None:
    """What the ledger knows is told by who holds it."""
    leases = held()
    leases.granted("a", [spend(40, 10)], [State(40, 0)])
    assert leases.get("money", "a") == Lease(amount=80, unknown=80)


def test_it_ends_in_parts() -> None:
    """And is not told any more when nothing is left of it."""
    leases = held()
    leases.ended("a", [Change(spend(), -1, 20), Change(spend(name="other"), -1, 5), Change(Slot("s", 1))])
    assert leases.get("money", "a") == Lease(amount=30, unknown=80)
    leases.ended("b", [Change(spend(), -1, 30)])
    assert len(leases) == 1
    leases.ended("a", [Change(spend(), -1, 30)])
    assert leases.told() == []


def test_what_the_ledger_does_not_know_is_told() -> None:
    """Of all periods, or of some."""
    leases = held()
    leases.granted("a", [spend(name="day")], [State(80, 0)])
    lease = leases.get("day", "a")
    assert lease is not None
    lease.unknown = 60
    assert leases.told() == [("money", "a", 80), ("day", "a", 60)]
    assert leases.told(["day"]) == [("day", "a", 60)]


def test_what_a_store_has_made_anew_is_held_as_it_was_told() -> None:
    """Where nothing was made there is no lease any more."""
    leases = held()
    assert list(leases.made([("money", "a", 80)])) == []
    assert leases.get("money", "a") == Lease(amount=80, unknown=80)
    assert list(leases.made([("money", "a", 0)])) == []
    assert len(leases) == 0


def test_what_was_made_anew_of_a_request_that_is_over_is_given_back() -> None:
    """It ended while the store was told of it: all that was counted for it is taken off."""
    (settled,) = Leases().made([("money", "a", 80)])
    holder, change = settled
    assert (holder, change.ask.name, change.by, change.held) == ("a", "money", -80, 80)
