"""Tests of the directory: projects, service accounts and the organisation, and that every act is written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glmgate.errors import InvalidRequest, ObjectNotFound
from glmgate.policy.directory import Directory, Wish
from glmgate.policy.interfaces import Wanted
from glmgate.policy.keyring import KeyOrder, Keyring
from glmgate.policy.keys import MasterKey
from glmgate.policy.memory_accounts import MemoryAccountStore
from glmgate.policy.pages import Page
from glmgate.wire.terms import Terms
from tests.fakes.clock import FakeClock


class Office:
    """A directory, its keyring and what it writes down."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryAccountStore()
        self.ring = Keyring(self.store, MasterKey.from_text("m" * 32), clock=self.clock, actor="me")
        self.directory = Directory(self.store, self.ring, clock=self.clock).acting("me")

    async def acts(self) -> list[tuple[str, str]]:
        """What was done to whom, in the order of doing; all of it by the same one."""
        entries = await self.store.entries(limit=100)
        assert {entry.actor for entry in entries} <= {"me"}
        return [(entry.action, entry.subject) for entry in entries]


@pytest.fixture
def office() -> Office:
    """What is tested."""
    return Office()


async def test_a_project_is_made_as_wished(office: Office) -> None:
    """With an id in OpenAI's form, at the clock's time."""
    project = await office.directory.create_project(Wish(name=" Web ", terms={"rpm": 5}))
    assert project.id.startswith("proj_")
    assert (project.name, project.terms, project.created_at) == ("Web", Terms(rpm=5), office.clock.now)
    assert await office.directory.project(project.id) == project
    assert await office.acts() == [("project.created", project.id)]


async def test_a_project_needs_a_name(office: Office) -> None:
    """And terms that make sense; otherwise there is none."""
    with pytest.raises(InvalidRequest, match="A project's name"):
        await office.directory.create_project(Wish())
    with pytest.raises(InvalidRequest, match="rpm"):
        await office.directory.create_project(Wish(name="Web", terms={"rpm": 0}))
    assert len(await office.directory.projects()) == 1
    assert await office.acts() == []


async def test_a_project_is_changed_as_wished(office: Office) -> None:
    """What is given, and nothing else; what changes nothing is no act."""
    project = await office.directory.create_project(Wish(name="Web", terms={"rpm": 5}))
    after = await office.directory.change_project(project.id, Wish(terms={"tpm": 7}))
    assert after == replace(project, terms=Terms(rpm=5, tpm=7))
    after = await office.directory.change_project(project.id, Wish(name="Other"))
    assert after == replace(project, name="Other", terms=Terms(rpm=5, tpm=7))
    await office.directory.change_project(project.id, Wish(name="Other"))
    assert [action for action, _ in await office.acts()] == ["project.created", "project.updated", "project.updated"]


async def test_an_archived_project_takes_its_keys_with_it(office: Office) -> None:
    """They are refused; nothing in it can be made or changed any more."""
    project = await office.directory.create_project(Wish(name="Web"))
    key = await office.ring.make(KeyOrder(name="a", project=project.id))
    closed = await office.directory.archive_project(project.id)
    assert closed.archived_at == office.clock.now
    assert (await office.ring.key(key.id)).state(office.clock.now) == "archived"
    for refused in (
        office.directory.change_project(project.id, Wish(name="Other")),
        office.directory.create_account(project.id, "robot"),
        office.ring.make(KeyOrder(name="b", project=project.id)),
    ):
        with pytest.raises(InvalidRequest, match="is archived"):
            await refused
    assert await office.directory.archive_project(project.id) == closed
    assert [action for action, _ in await office.acts()][-1] == "project.archived"
    assert [each.id for each in await office.directory.projects(archived=False)] == ["default"]


async def test_the_organisation_is_changed_as_wished(office: Office) -> None:
    """Its terms stand above those of every key."""
    after = await office.directory.change_organisation(Wish(name="ACME", terms={"in_flight": 9}))
    assert (after.name, after.terms) == ("ACME", Terms(in_flight=9))
    assert await office.directory.organisation() == after
    key = await office.ring.create("a")
    assert (await office.ring.key(key.id)).scopes[0].terms == Terms(in_flight=9)
    assert (await office.acts())[0] == ("organization.updated", "default")


async def test_a_service_account_is_made_with_its_first_key(office: Office) -> None:
    """The key belongs to it, and has what was ordered."""
    account, key = await office.directory.create_account(
        "default", "robot", key=KeyOrder(name="first of robot", terms={"rpm": 1})
    )
    assert account.id.startswith("svc_acct_")
    assert key is not None
    assert (key.kind, key.owner, key.project, key.terms) == ("service", account.id, "default", Terms(rpm=1))
    assert await office.acts() == [("service_account.created", account.id), ("api_key.created", key.id)]


async def test_a_service_account_can_have_more_keys_or_none(office: Office) -> None:
    """As many as are ordered."""
    account, none = await office.directory.create_account("default", "robot")
    assert none is None
    for name in ("one", "two"):
        await office.directory.create_account_key("default", account.id, KeyOrder(name=name))
        office.clock.advance(1)
    assert [key.name for key in await office.ring.keys(Wanted(owner=account.id))] == ["one", "two"]


async def test_a_service_account_that_cannot_get_its_key_is_not_made(office: Office) -> None:
    """Both or neither."""
    with pytest.raises(InvalidRequest, match="rpm"):
        await office.directory.create_account("default", "robot", key=KeyOrder(name="a", terms={"rpm": -1}))
    assert await office.directory.accounts("default") == ()
    assert await office.acts() == []


async def test_a_service_account_is_renamed(office: Office) -> None:
    """And found under the same id."""
    account, _ = await office.directory.create_account("default", "robot")
    after = await office.directory.change_account("default", account.id, name="arm")
    assert after == replace(account, name="arm")
    assert await office.directory.account("default", account.id) == after


async def test_a_deleted_service_account_takes_its_keys_with_it(office: Office) -> None:
    """They are revoked, one act each; those of others stay."""
    account, key = await office.directory.create_account("default", "robot", key=KeyOrder(name="a"))
    _, others = await office.directory.create_account("default", "other", key=KeyOrder(name="b"))
    assert key is not None
    assert others is not None
    await office.directory.delete_account("default", account.id)
    assert (await office.ring.key(key.id)).state(office.clock.now) == "revoked"
    assert (await office.ring.key(others.id)).state(office.clock.now) == "live"
    assert [each.name for each in await office.directory.accounts("default")] == ["other"]
    assert (await office.acts())[-2:] == [("api_key.deleted", key.id), ("service_account.deleted", account.id)]


async def test_accounts_can_be_deleted_while_they_are_listed(office: Office) -> None:
    """The next page begins after the last one that was seen, though it is gone; the order is that of making."""
    for number in range(5):
        await office.directory.create_account("default", f"robot {number}")
        office.clock.advance(0.01)
    seen: list[str] = []
    after = None
    while page := await office.directory.accounts("default", Page(after=after, limit=2)):
        seen += [each.name for each in page]
        after = page[-1].id
        for each in page:
            await office.directory.delete_account("default", each.id)
    assert seen == [f"robot {number}" for number in range(5)]


async def test_what_is_not_there_is_told(office: Office) -> None:
    """A project, an account, and an account of another project."""
    project = await office.directory.create_project(Wish(name="Web"))
    account, _ = await office.directory.create_account(project.id, "robot")
    for refused in (
        office.directory.project("nope"),
        office.directory.change_project("nope", Wish(name="a")),
        office.directory.archive_project("nope"),
        office.directory.accounts("nope"),
        office.directory.account(project.id, "nope"),
        office.directory.account("default", account.id),
        office.directory.delete_account("default", account.id),
    ):
        with pytest.raises(ObjectNotFound, match=r"There is no (project|service account) '"):
            await refused
