"""Tests of the keyring: what becomes of keys in a store, and which master key may be used."""

from __future__ import annotations

import asyncio

import pytest
from typing_extensions import override

from glmgate.errors import InvalidRequest, SettingsError, Unavailable
from glmgate.policy.keyring import Keyring
from glmgate.policy.keys import Key, MasterKey, rotated
from glmgate.policy.memory import MemoryKeyStore
from tests.fakes.clock import FakeClock

MASTER = MasterKey.from_text("m" * 32)


class ContestedStore(MemoryKeyStore):
    """A store in which somebody else changes a key just before each of the first `times` replacements."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    @override
    async def replace(self, before: Key, after: Key) -> bool:
        """Let the other be first."""
        if self.times:
            self.times -= 1
            await super().replace(before, rotated(before, now=before.created_at))
        return await super().replace(before, after)


async def test_a_created_key_is_kept_and_has_an_id_like_those_of_zai() -> None:
    """A new key can be found by its id of 32 hexadecimal digits, and is made at the clock's time."""
    clock = FakeClock()
    ring = Keyring(MemoryKeyStore(), MASTER, clock=clock)
    key = await ring.create("mine", expires_at=clock.now + 5)
    assert await ring.key(key.id) == key
    assert len(key.id) == 32
    assert int(key.id, 16) >= 0
    assert (key.created_at, key.expires_at) == (clock.now, clock.now + 5)


async def test_a_whole_key_names_itself() -> None:
    """Who pastes the key where its id is asked for gets the same."""
    ring = Keyring(MemoryKeyStore(), MASTER)
    key = await ring.create("mine")
    assert await ring.key(ring.text(key)) == key


async def test_an_unknown_id_is_refused_without_its_secret() -> None:
    """The message names the id and how to list keys, never the secret that was pasted."""
    with pytest.raises(InvalidRequest, match=r"no key 'abc'.*keys list") as caught:
        await Keyring(MemoryKeyStore(), MASTER).key("abc.geheim")
    assert "geheim" not in caught.value.message


async def test_the_first_key_is_made_once() -> None:
    """A second start finds a live key and makes none."""
    ring = Keyring(MemoryKeyStore(), MASTER)
    first = await ring.create_first()
    assert first is not None
    assert await ring.create_first() is None
    assert await ring.keys() == (first,)


async def test_rotation_changes_the_text() -> None:
    """After a rotation the key is sent with another secret under the same id."""
    ring = Keyring(MemoryKeyStore(), MASTER)
    before = await ring.create("mine")
    after = await ring.rotate(before.id, overlap_s=5)
    assert after.id == before.id
    assert ring.text(after) != ring.text(before)
    assert await ring.key(before.id) == after


async def test_revoking_lasts() -> None:
    """A revoked key stays in the list, revoked at the clock's time."""
    clock = FakeClock()
    ring = Keyring(MemoryKeyStore(), MASTER, clock=clock)
    key = await ring.create("mine")
    clock.advance(9)
    await ring.revoke(key.id)
    assert [key.revoked_at for key in await ring.keys()] == [clock.now]


async def test_a_change_by_somebody_else_is_seen_before_ours() -> None:
    """A change is decided anew on what the other left."""
    store = ContestedStore(times=1)
    ring = Keyring(store, MASTER)
    key = await ring.create("mine")
    assert (await ring.rotate(key.id)).generation == 3


async def test_endless_contest_is_given_up() -> None:
    """A key that others change all the time gives an error that says so, not a loop."""
    ring = Keyring(ContestedStore(times=100), MASTER)
    key = await ring.create("mine")
    with pytest.raises(Unavailable, match="changed by others"):
        await ring.revoke(key.id)


async def test_the_same_master_key_is_accepted_again() -> None:
    """A database opens with the master key it was made with, as often as one likes."""
    ring = Keyring(MemoryKeyStore(), MASTER)
    await ring.check_master()
    await ring.check_master()


async def test_another_master_key_stops_the_start() -> None:
    """A wrong master key is found at the start, and the message shows only fingerprints."""
    store = MemoryKeyStore()
    await Keyring(store, MASTER).check_master()
    other = MasterKey.from_text("n" * 32)
    with pytest.raises(SettingsError, match=f"{other.fingerprint}.*{MASTER.fingerprint}") as caught:
        await Keyring(store, other).check_master()
    assert "nnnn" not in caught.value.message


async def test_ids_do_not_repeat() -> None:
    """Keys made at the same moment have different ids."""
    ring = Keyring(MemoryKeyStore(), MASTER)
    made = await asyncio.gather(*(ring.create("mine") for _ in range(50)))
    assert len({key.id for key in made}) == 50
