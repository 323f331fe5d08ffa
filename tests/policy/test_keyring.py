"""Tests of the keyring: what becomes of keys in a store, and which master key may be used."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from glmgate.errors import InvalidRequest, ObjectNotFound, SettingsError
from glmgate.policy.keyring import KeyChange, KeyOrder, Keyring
from glmgate.policy.keys import MasterKey
from glmgate.policy.memory_accounts import MemoryAccountStore
from glmgate.policy.organisation import Project
from glmgate.wire.terms import Terms
from tests.fakes.accounts import put
from tests.fakes.clock import FakeClock

MASTER = MasterKey.from_text("m" * 32)


async def acts(store: MemoryAccountStore) -> list[tuple[str, str, str]]:
    """Who did what to whom, in the order of doing."""
    return [(entry.actor, entry.action, entry.subject) for entry in await store.entries(limit=100)]


async def test_a_created_key_is_kept_and_has_an_id_like_those_of_zai() -> None:
    """A new key can be found by its id of 32 hexadecimal digits, and is made at the clock's time."""
    clock = FakeClock()
    ring = Keyring(MemoryAccountStore(), MASTER, clock=clock)
    key = await ring.create("mine", expires_at=clock.now + 5)
    assert await ring.key(key.id) == key
    assert len(key.id) == 32
    assert int(key.id, 16) >= 0
    assert (key.created_at, key.expires_at) == (clock.now, clock.now + 5)


async def test_a_whole_key_names_itself() -> None:
    """Who pastes the key where its id is asked for gets the same."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    key = await ring.create("mine")
    assert await ring.key(ring.text(key)) == key


async def test_an_unknown_id_is_refused_without_its_secret() -> None:
    """The message names the id and how to list keys, never the secret that was pasted."""
    with pytest.raises(ObjectNotFound, match=r"no key 'abc'.*keys list") as caught:
        await Keyring(MemoryAccountStore(), MASTER).key("abc.geheim")
    assert "geheim" not in caught.value.message


async def test_the_first_key_is_made_once() -> None:
    """A second start finds a live key and makes none."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    first = await ring.create_first()
    assert first is not None
    assert await ring.create_first() is None
    assert await ring.keys() == (first,)


async def test_rotation_changes_the_text() -> None:
    """After a rotation the key is sent with another secret under the same id."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    before = await ring.create("mine")
    after = await ring.rotate(before.id, overlap_s=5)
    assert after.id == before.id
    assert ring.text(after) != ring.text(before)
    assert await ring.key(before.id) == after


async def test_revoking_lasts() -> None:
    """A revoked key stays in the list, revoked at the clock's time."""
    clock = FakeClock()
    ring = Keyring(MemoryAccountStore(), MASTER, clock=clock)
    key = await ring.create("mine")
    clock.advance(9)
    await ring.revoke(key.id)
    assert [key.revoked_at for key in await ring.keys()] == [clock.now]


async def test_a_key_is_made_as_ordered() -> None:
    """With its project, kind, end and terms."""
    store, clock = MemoryAccountStore(), FakeClock()
    await put(store, Project(id="proj_1", name="Web", created_at=0.0))
    ring = Keyring(store, MASTER, clock=clock)
    order = KeyOrder(name="web", project="proj_1", kind="service", expires_at=clock.now + 1, terms={"rpm": 5})
    key = await ring.make(order)
    assert (key.name, key.project, key.kind, key.expires_at) == ("web", "proj_1", "service", clock.now + 1)
    assert key.terms == Terms(rpm=5)
    assert await ring.key(key.id) == key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("models", ["glm-4.6"]),
        ("rpm", 5),
        ("tpm", 5),
        ("in_flight", 1),
        ("budgets", [{"limit": "1", "unit": "USD"}]),
        ("thinking", "on"),
        ("max_tokens", 5),
        ("filters", ["mail"]),
        ("tags", ["a"]),
        ("contents", True),
    ],
)
async def test_terms_that_would_hold_for_nothing_are_refused(name: str, value: object) -> None:
    """An administrator's key asks no model, neither from the first nor later."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    root = await ring.make(KeyOrder(name="root", kind="admin", terms={"addresses": ["10.0.0.0/8"], "rpm": None}))
    said = f"'{name}' would hold for nothing"
    with pytest.raises(InvalidRequest, match=said) as caught:
        await ring.make(KeyOrder(name="other", kind="admin", terms={name: value}))
    assert caught.value.param == f"terms.{name}"
    with pytest.raises(InvalidRequest, match=said):
        await ring.change(root.id, KeyChange(terms={name: value}))
    assert await ring.keys() == (root,)
    assert (await ring.change(root.id, KeyChange(terms={name: None}))).terms == Terms(addresses=("10.0.0.0/8",))


async def test_an_administrators_key_of_before_may_lose_its_idle_terms() -> None:
    """Or keep them, whatever else is changed."""
    store = MemoryAccountStore()
    ring = Keyring(store, MASTER)
    root = await ring.make(KeyOrder(name="root", kind="admin"))
    await put(store, replace(root, terms=Terms(rpm=5)))
    assert (await ring.change(root.id, KeyChange(name="new"))).terms == Terms(rpm=5)
    assert (await ring.change(root.id, KeyChange(terms={"rpm": None}))).terms == Terms()


@pytest.mark.parametrize(
    ("order", "error", "said"),
    [
        (KeyOrder(name=" "), InvalidRequest, "A key's name"),
        (KeyOrder(name="a", project="nope"), ObjectNotFound, "no project 'nope'"),
        (KeyOrder(name="a", project="closed"), InvalidRequest, "'closed' is archived"),
        (KeyOrder(name="a", terms={"rpm": 0}), InvalidRequest, "rpm"),
        (KeyOrder(name="a", expires_at=1.0), InvalidRequest, "in the past"),
    ],
    ids=["name", "project", "archived", "terms", "end"],
)
async def test_an_order_that_makes_no_sense_makes_no_key(order: KeyOrder, error: type[Exception], said: str) -> None:
    """And leaves no trace."""
    store = MemoryAccountStore()
    await put(store, Project(id="closed", name="Old", created_at=0.0, archived_at=1.0))
    ring = Keyring(store, MASTER)
    with pytest.raises(error, match=said):
        await ring.make(order)
    assert await ring.keys() == ()
    assert await acts(store) == []


async def test_a_key_is_changed_as_wished() -> None:
    """What is given, and nothing else; null takes terms back, `lasts` the end."""
    clock = FakeClock()
    ring = Keyring(MemoryAccountStore(), MASTER, clock=clock)
    key = await ring.make(KeyOrder(name="a", expires_at=clock.now + 9, terms={"rpm": 5, "tpm": 100}))
    after = await ring.change(key.id, KeyChange(terms={"rpm": None, "in_flight": 2}))
    assert after == replace(key, terms=Terms(tpm=100, in_flight=2))
    after = await ring.change(key.id, KeyChange(name=" b ", expires_at=clock.now + 20))
    assert (after.name, after.expires_at, after.terms) == ("b", clock.now + 20, Terms(tpm=100, in_flight=2))
    assert (await ring.change(key.id, KeyChange(lasts=True))).expires_at is None
    assert (await ring.key(key.id)).expires_at is None


async def test_a_revoked_key_is_not_changed() -> None:
    """It has ended for good."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    key = await ring.create("mine")
    await ring.revoke(key.id)
    with pytest.raises(InvalidRequest, match="revoked"):
        await ring.change(key.id, KeyChange(name="other"))


async def test_every_act_is_written_down() -> None:
    """Who did what; what changed nothing is no act, and the first key is made by the server."""
    store = MemoryAccountStore()
    ring = Keyring(store, MASTER)
    first = await ring.create_first()
    assert first is not None
    mine = ring.acting("cli:me")
    await mine.change(first.id, KeyChange(terms={"rpm": 5}))
    await mine.change(first.id, KeyChange(terms={"rpm": 5}))
    await mine.rotate(first.id)
    await mine.revoke(first.id)
    await mine.revoke(first.id)
    assert await acts(store) == [
        ("server", "api_key.created", first.id),
        ("cli:me", "api_key.updated", first.id),
        ("cli:me", "api_key.rotated", first.id),
        ("cli:me", "api_key.deleted", first.id),
    ]
    (_, changed, *_) = await store.entries(limit=9)
    assert '"terms":{}' in (changed.before or "")
    assert '"terms":{"rpm":5}' in (changed.after or "")


async def test_an_administrators_key_is_no_first_key() -> None:
    """Models cannot be asked with it, so a start still makes one that they can."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    await ring.make(KeyOrder(name="root", kind="admin"))
    assert await ring.create_first() is not None


async def test_the_same_master_key_is_accepted_again() -> None:
    """A database opens with the master key it was made with, as often as one likes."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    await ring.check_master()
    await ring.check_master()


async def test_another_master_key_stops_the_start() -> None:
    """A wrong master key is found at the start, and the message shows only fingerprints."""
    store = MemoryAccountStore()
    await Keyring(store, MASTER).check_master()
    other = MasterKey.from_text("n" * 32)
    with pytest.raises(SettingsError, match=f"{other.fingerprint}.*{MASTER.fingerprint}") as caught:
        await Keyring(store, other).check_master()
    assert "nnnn" not in caught.value.message


async def test_ids_do_not_repeat() -> None:
    """Keys made at the same moment have different ids."""
    ring = Keyring(MemoryAccountStore(), MASTER)
    made = await asyncio.gather(*(ring.create("mine") for _ in range(50)))
    assert len({key.id for key in made}) == 50
