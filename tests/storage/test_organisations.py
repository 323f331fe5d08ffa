"""Tests of both account stores, the one in memory and the one in a database: one behaviour, two places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from glmgate.errors import InvalidRequest
from glmgate.policy.audit import Subject, act
from glmgate.policy.interfaces import AccountStore, Changes, Wanted
from glmgate.policy.keys import Key, revoked
from glmgate.policy.memory_accounts import MemoryAccountStore
from glmgate.policy.organisation import Organisation, Project, ServiceAccount
from glmgate.policy.pages import WHOLE, Page
from glmgate.storage.opening import open_database
from glmgate.storage.organisations import SqlAccountStore
from glmgate.wire.terms import Budget, Scope, Terms
from tests.fakes.accounts import put
from tests.servers.plugin import url_of

NOW = 1_800_000_000.0
KEY = Key(id="a1", name="one", created_at=NOW)
TERMS = Terms(models=("glm-4.*",), rpm=5, budgets=(Budget(limit="12.50", unit="USD", mode="warn"),), tags=("a",))
FULL = replace(
    KEY,
    generation=7,
    previous_until=NOW + 0.125,
    expires_at=NOW + 1e7,
    revoked_at=NOW + 0.1,
    kind="service",
    owner="svc_acct_1",
    terms=TERMS,
)
PROJECT = Project(id="proj_1", name="Web", created_at=NOW, terms=TERMS)
ACCOUNT = ServiceAccount(id="svc_acct_1", name="robot", project="proj_1", created_at=NOW)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccountStore]:
    """A store of each sort, as it is at first: the default organisation and project are there."""
    if request.param == "memory":
        yield MemoryAccountStore()
        return
    database = await open_database(url_of(request.param, request, tmp_path))
    yield SqlAccountStore(database)
    await database.aclose()


async def ids(store: AccountStore, wanted: Wanted, page: Page = WHOLE) -> list[str]:
    """The ids of the keys that are listed."""
    return [key.id for key in await store.look(lambda rows: rows.keys(wanted, page))]


async def test_a_new_store_has_what_keys_belong_to(store: AccountStore) -> None:
    """One organisation and one project, and nothing else."""
    assert (await store.look(lambda rows: rows.organisation())).id == "default"
    assert [each.id for each in await store.look(lambda rows: rows.projects())] == ["default"]
    assert await store.look(lambda rows: rows.keys()) == ()


async def test_what_is_not_there_is_not_found(store: AccountStore) -> None:
    """None, for each sort."""
    assert await store.find("a1") is None
    assert await store.look(lambda rows: (rows.key("a1"), rows.project("p"), rows.account("s"))) == (None, None, None)


@pytest.mark.parametrize("key", [KEY, FULL], ids=["plain", "every member"])
async def test_a_key_comes_back_as_it_went(store: AccountStore, key: Key) -> None:
    """Every member of a key is kept exactly, times included."""
    await put(store, key)
    assert await store.find("a1") == key
    assert await store.look(lambda rows: rows.key("a1")) == key


async def test_the_others_come_back_as_they_went(store: AccountStore) -> None:
    """A project, an archived one, a service account and the organisation."""
    closed = replace(PROJECT, id="proj_2", archived_at=NOW + 0.5)
    organisation = Organisation(id="default", name="ACME", created_at=0.0, terms=TERMS)
    created = (await store.look(lambda rows: rows.organisation())).created_at
    await put(store, PROJECT, closed, ACCOUNT, replace(organisation, created_at=created))
    assert await store.look(lambda rows: rows.project("proj_1")) == PROJECT
    assert await store.look(lambda rows: rows.project("proj_2")) == closed
    assert await store.look(lambda rows: rows.account("svc_acct_1")) == ACCOUNT
    assert await store.look(lambda rows: rows.organisation()) == replace(organisation, created_at=created)


@pytest.mark.parametrize("subject", [PROJECT, KEY, ACCOUNT], ids=["project", "key", "account"])
async def test_what_is_put_again_is_replaced(store: AccountStore, subject: Subject) -> None:
    """Under the same id there is one."""
    await put(store, PROJECT, subject, replace(subject, name="other"))
    found = await store.look(lambda rows: (rows.project(subject.id), rows.key(subject.id), rows.account(subject.id)))
    assert [each.name for each in found if each is not None] == ["other"]


async def test_a_key_is_found_with_what_holds_above_it(store: AccountStore) -> None:
    """The terms of its organisation and project, and whether that is archived."""
    await put(store, PROJECT, replace(KEY, project="proj_1", terms=Terms(rpm=1)))
    found = await store.find("a1")
    assert found is not None
    assert found.scopes == (
        Scope("organisation", "default"),
        Scope("project", "proj_1", TERMS),
        Scope("key", "a1", Terms(rpm=1)),
    )
    assert found.state(NOW) == "live"
    await put(store, replace(PROJECT, archived_at=NOW))
    closed = await store.find("a1")
    assert closed is not None
    assert closed.state(NOW) == "archived"


async def test_keys_are_listed_as_wanted(store: AccountStore) -> None:
    """The oldest first; by project, kind, owner, and with or without those that are revoked."""
    await put(
        store,
        PROJECT,
        replace(KEY, id="k3", created_at=NOW + 2, project="proj_1", kind="service", owner="svc_acct_1"),
        replace(KEY, id="k1"),
        replace(KEY, id="k2", created_at=NOW + 1, kind="admin"),
        replace(KEY, id="k4", created_at=NOW + 3, project="proj_1", revoked_at=NOW + 4),
    )
    assert await ids(store, Wanted()) == ["k1", "k2", "k3", "k4"]
    assert await ids(store, Wanted(project="proj_1")) == ["k3", "k4"]
    assert await ids(store, Wanted(project="proj_1", revoked=False)) == ["k3"]
    assert await ids(store, Wanted(kinds=("admin", "service"))) == ["k2", "k3"]
    assert await ids(store, Wanted(owner="svc_acct_1")) == ["k3"]


async def test_a_list_can_be_read_in_pages(store: AccountStore) -> None:
    """Each key once, in both directions, also where several were made at the same time."""
    await put(store, *(replace(KEY, id=f"k{number}", created_at=NOW + number // 3) for number in range(8)))
    for newest_first in (False, True):
        seen: list[str] = []
        while found := await ids(
            store, Wanted(), Page(after=seen[-1] if seen else None, limit=3, newest_first=newest_first)
        ):
            assert len(found) <= 3
            seen += found
        assert seen == sorted((f"k{number}" for number in range(8)), reverse=newest_first)


async def test_a_page_goes_on_after_what_was_revoked(store: AccountStore) -> None:
    """Who revokes while reading a list of live keys misses none."""
    await put(store, KEY, replace(KEY, id="a2"), revoked(replace(KEY, id="a1"), now=NOW))
    assert await ids(store, Wanted(revoked=False), Page(after="a1")) == ["a2"]


async def test_a_page_after_nothing_is_refused(store: AccountStore) -> None:
    """An id that never was is told."""
    with pytest.raises(InvalidRequest, match="'zz'") as caught:
        await ids(store, Wanted(), Page(after="zz"))
    assert caught.value.param == "after"
    with pytest.raises(InvalidRequest, match="'zz'"):
        await store.look(lambda rows: rows.projects(Page(after="zz")))


async def test_projects_are_listed_with_and_without_archived_ones(store: AccountStore) -> None:
    """In pages too."""
    born = NOW * 2
    made = [replace(PROJECT, id=f"p{number}", created_at=born + number) for number in range(4)]
    await put(store, *made, replace(made[1], archived_at=born))
    found = await store.look(lambda rows: rows.projects(archived=False))
    assert [each.id for each in found] == ["default", "p0", "p2", "p3"]
    found = await store.look(lambda rows: rows.projects(Page(after="p0", limit=2)))
    assert [each.id for each in found] == ["p1", "p2"]


async def test_accounts_are_listed_after_what_was_removed(store: AccountStore) -> None:
    """Who removes while reading a list misses none; those of other projects are not in it."""
    made = [replace(ACCOUNT, id=f"s{number}") for number in range(4)]
    await put(store, PROJECT, *made, replace(ACCOUNT, id="s9", project="default"))

    def work(rows: Changes) -> None:
        rows.remove(made[1])

    await store.change(work)
    found = await store.look(lambda rows: rows.accounts("proj_1", Page(after="s1", limit=1)))
    assert [each.id for each in found] == ["s2"]
    assert len(await store.look(lambda rows: rows.accounts("proj_1"))) == 3


@pytest.mark.parametrize(
    ("change", "live"),
    [
        ({}, True),
        ({"revoked_at": NOW}, False),
        ({"expires_at": NOW}, False),
        ({"kind": "admin"}, False),
        ({"project": "proj_1"}, False),
    ],
    ids=["live", "revoked", "expired", "administrator's", "of an archived project"],
)
async def test_whether_a_live_key_is_there(store: AccountStore, change: dict[str, object], *, live: bool) -> None:
    """Keys that models cannot be asked with do not count."""
    await put(store, replace(PROJECT, archived_at=NOW), replace(KEY, **change))  # type: ignore[arg-type] # members
    assert await store.look(lambda rows: rows.has_live_key(NOW)) == live


async def test_a_change_that_fails_leaves_nothing(store: AccountStore) -> None:
    """Neither what it put nor what it wrote into the audit log."""

    def work(rows: Changes) -> None:
        rows.put(KEY)
        rows.log(act("me", "api_key.created", None, KEY), at=NOW)
        raise InvalidRequest("No.")

    with pytest.raises(InvalidRequest):
        await store.change(work)
    assert await store.find("a1") is None


async def test_changes_do_not_come_between_each_other(store: AccountStore) -> None:
    """What each reads is what it writes over."""
    await put(store, replace(KEY, generation=0))

    def work(rows: Changes) -> None:
        key = rows.key("a1")
        assert key is not None
        rows.put(replace(key, generation=key.generation + 1))

    await asyncio.gather(*(store.change(work) for _ in range(20)))
    found = await store.find("a1")
    assert found is not None
    assert found.generation == 20


async def test_a_fact_is_pinned_once(store: AccountStore) -> None:
    """The first value of a fact stays, whatever is pinned later; each name has its own."""
    assert await store.pin("master_key", "one") == "one"
    assert await store.pin("master_key", "two") == "one"
    assert await store.pin("other", "two") == "two"
