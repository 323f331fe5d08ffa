"""The keyring: makes, shows, rotates and revokes keys in a store, under one master key.

What becomes of a key is decided in `keys`; where it is kept is the store's matter.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from glmgate.errors import InvalidRequest, SettingsError, Unavailable
from glmgate.policy.interfaces import Clock, KeyStore
from glmgate.policy.keys import Key, MasterKey, new_key, revoked, rotated

_FACT = "master_key"
_ATTEMPTS = 5


class Keyring:
    """The keys of one database."""

    def __init__(self, store: KeyStore, master: MasterKey, *, clock: Clock = time.time) -> None:
        self._store = store
        self._master = master
        self._clock = clock

    async def check_master(self) -> None:
        """SettingsError unless the master key is the one that this database's keys were made with.

        With another one every key that was given out would fail, and each as if its client had got it wrong.
        """
        pinned = await self._store.pin(_FACT, self._master.fingerprint)
        if pinned != self._master.fingerprint:
            raise SettingsError(
                f"The master key (fingerprint {self._master.fingerprint}) is not the one that this database's keys "
                f"were made with (fingerprint {pinned}): bring back the file `master.key` or the setting "
                "[server] master_key, or start with another GLMGATE_HOME."
            )

    async def create(self, name: str, *, expires_at: float | None = None) -> Key:
        """A new key. `expires_at` is in Unix seconds."""
        key = new_key(_new_id(), name, now=self._clock(), expires_at=expires_at)
        await self._store.add(key)
        return key

    async def create_first(self) -> Key | None:
        """The first key, if no key is live; else None. Of several processes only one makes it."""
        key = new_key(_new_id(), "first", now=self._clock())
        return key if await self._store.add_first(key) else None

    async def keys(self) -> tuple[Key, ...]:
        """All keys, the oldest first."""
        return await self._store.keys()

    async def key(self, key_id: str) -> Key:
        """The key of that id; a whole key is taken for its id. InvalidRequest when there is none."""
        found = await self._store.find(key_id.partition(".")[0])
        if found is None:
            raise InvalidRequest(
                f"There is no key {key_id.partition('.')[0]!r}: `glmgate keys list` shows all.", param="id"
            )
        return found

    async def rotate(self, key_id: str, *, overlap_s: float = 0.0) -> Key:
        """The key with a new secret; the old one stays good for `overlap_s` seconds."""
        return await self._change(key_id, lambda key: rotated(key, now=self._clock(), overlap_s=overlap_s))

    async def revoke(self, key_id: str) -> Key:
        """The key, refused by every process within a second."""
        return await self._change(key_id, lambda key: revoked(key, now=self._clock()))

    def text(self, key: Key) -> str:
        """The key as clients send it."""
        return key.text(self._master)

    async def _change(self, key_id: str, change: Callable[[Key], Key]) -> Key:
        for _ in range(_ATTEMPTS):
            before = await self.key(key_id)
            after = change(before)
            if await self._store.replace(before, after):
                return after
        raise Unavailable(f"Key {key_id!r} is being changed by others: try again.")


def _new_id() -> str:
    # 32 hexadecimal digits, as the ids of Z.AI's own keys: applications that check the form accept ours.
    return secrets.token_hex(16)
