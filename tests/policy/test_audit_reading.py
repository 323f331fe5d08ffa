"""Tests of reading the audit log: it is verified whole, and acts are found in it page by page."""

from __future__ import annotations

import pytest

from glmgate.policy.audit import Act, Verifier
from glmgate.policy.audit_reading import Sought, newer, older, verified
from glmgate.policy.interfaces import Changes
from glmgate.policy.memory_accounts import MemoryAccountStore

MANY = 1_203
"""More than two pieces of what is read at a time."""


@pytest.fixture
async def store() -> MemoryAccountStore:
    """Many acts by two people, a second apart; every third of them in another project."""
    made = MemoryAccountStore()

    def work(rows: Changes) -> None:
        for number in range(1, MANY + 1):
            project = {"project": "web" if number % 3 == 0 else "default"}
            done = Act("ann" if number % 2 else "bob", "api_key.created", f"k{number}", None, project)
            rows.log(done, at=float(number))

    await made.change(work)
    return made


async def test_a_long_log_is_verified_whole(store: MemoryAccountStore) -> None:
    """To its last row."""
    verifier = Verifier()
    await verified(store, verifier)
    assert verifier.end() is None
    assert verifier.entries == MANY


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        (Sought(), MANY),
        (Sought(actors=("bob",)), 601),
        (Sought(actions=("project.created",)), 0),
        (Sought(subjects=("k7", "k1200")), 2),
        (Sought(projects=("web",)), 401),
        (Sought(since=10.0, until=12.0), 3),
        (Sought(actors=("ann",), projects=("web",), until=9.0), 2),
    ],
    ids=["all", "actor", "action", "subjects", "project", "time", "all of them"],
)
async def test_acts_are_found_once_each_in_pages(store: MemoryAccountStore, sought: Sought, expected: int) -> None:
    """The newest first, until there are no more, however far apart they lie."""
    seen: list[int] = []
    while page := await older(store, sought, before=seen[-1] if seen else None, limit=100):
        seen += [entry.seq for entry in page]
    assert len(seen) == expected
    assert seen == sorted(set(seen), reverse=True)


async def test_newer_acts_are_those_next_to_a_row(store: MemoryAccountStore) -> None:
    """In the same order as the older ones, so that pages can be turned back."""
    assert [entry.seq for entry in await newer(store, Sought(), after=10, limit=3)] == [13, 12, 11]
    assert [entry.seq for entry in await newer(store, Sought(actors=("bob",)), after=1198, limit=9)] == [1202, 1200]
    assert await newer(store, Sought(), after=MANY, limit=3) == ()
