"""The keyring: makes, shows, changes, rotates and revokes keys in a store, under one master key.

What becomes of a key is decided in `keys`; where it is kept is the store's matter. Every act is written into the audit
log together with what it did.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from glmgate.errors import InvalidRequest, ObjectNotFound, SettingsError
from glmgate.policy.audit import act
from glmgate.policy.interfaces import ALL_KEYS, AccountStore, Changes, Clock, Rows, Wanted
from glmgate.policy.keys import Key, Kind, MasterKey, checked_end, new_key, revoked, rotated
from glmgate.policy.organisation import DEFAULT, ServiceAccount, checked_name, usable
from glmgate.policy.pages import WHOLE, Page
from glmgate.policy.terms import changed
from glmgate.wire.terms import NO_TERMS, Terms

_FACT = "master_key"
_OF_ALL = "addresses"
"""The one term that says something of a key that asks no model."""
SERVER = "server"
"""The actor of what no administrator did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOrder:
    """What a new key shall be. `expires_at` is in Unix seconds, `terms` are plain values as in JSON."""

    name: str
    project: str = DEFAULT
    kind: Kind = "user"
    owner: str | None = None
    expires_at: float | None = None
    terms: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What shall be different about a key: what is given here, and nothing else. No `expires_at` with `lasts`."""

    name: str | None = None
    expires_at: float | None = None
    lasts: bool = False
    terms: Mapping[str, Any] | None = None


class Keyring:
    """The keys of one database. `actor` is who makes changes, for the audit log."""

    def __init__(
        self, store: AccountStore, master: MasterKey, *, clock: Clock = time.time, actor: str = SERVER
    ) -> None:
        self._store = store
        self._master = master
        self._clock = clock
        self._actor = actor

    def acting(self, actor: str) -> Keyring:
        """The same keyring in the hands of `actor`."""
        return Keyring(self._store, self._master, clock=self._clock, actor=actor)

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
        """A new key of the default project. `expires_at` is in Unix seconds."""
        return await self.make(KeyOrder(name=name, expires_at=expires_at))

    async def make(self, order: KeyOrder) -> Key:
        """A new key. InvalidRequest when the order makes no sense."""
        return await self._store.change(lambda rows: self.put_new(rows, order))

    async def create_first(self) -> Key | None:
        """The first key, if no key is live; else None. Of several processes only one makes it."""

        def work(rows: Changes) -> Key | None:
            return None if rows.has_live_key(self._clock()) else self.put_new(rows, KeyOrder(name="first"))

        return await self._store.change(work)

    async def keys(self, wanted: Wanted = ALL_KEYS, page: Page = WHOLE) -> tuple[Key, ...]:
        """Keys, the oldest first."""
        return await self._store.look(lambda rows: rows.keys(wanted, page))

    async def key(self, key_id: str) -> Key:
        """The key of that id; a whole key is taken for its id. InvalidRequest when there is none."""
        return await self._store.look(lambda rows: _key(rows, key_id))

    async def change(self, key_id: str, wish: KeyChange) -> Key:
        """The key as it shall be from now on."""
        return await self._change(key_id, "api_key.updated", lambda key: self._as_wished(key, wish))

    async def rotate(self, key_id: str, *, overlap_s: float = 0.0) -> Key:
        """The key with a new secret; the old one stays good for `overlap_s` seconds."""
        return await self._change(
            key_id, "api_key.rotated", lambda key: rotated(key, now=self._clock(), overlap_s=overlap_s)
        )

    async def revoke(self, key_id: str) -> Key:
        """The key, refused by every process within a second."""
        return await self._change(key_id, "api_key.deleted", lambda key: revoked(key, now=self._clock()))

    def text(self, key: Key) -> str:
        """The key as clients send it."""
        return key.text(self._master)

    def put_new(self, rows: Changes, order: KeyOrder) -> Key:
        """A new key, in a transaction that runs."""
        now = self._clock()
        project = rows.project(order.project)
        if project is None:
            raise ObjectNotFound(
                f"There is no project {order.project!r}: `glmgate projects list` shows all.", param="project"
            )
        usable(project)
        key = replace(
            new_key(_new_id(), order.name, now=now, expires_at=order.expires_at),
            project=project.id,
            organisation=project.organisation,
            kind=order.kind,
            owner=order.owner,
            terms=_terms(order.kind, NO_TERMS, order.terms or {}),
        )
        rows.put(key)
        rows.log(act(self._actor, "api_key.created", None, key), at=now)
        return key

    def put_revoked(self, rows: Changes, account: ServiceAccount) -> None:
        """Revoke all keys of a service account, in a transaction that runs."""
        now = self._clock()
        for key in rows.keys(Wanted(owner=account.id, revoked=False)):
            self._put(rows, "api_key.deleted", key, revoked(key, now=now))

    def _as_wished(self, key: Key, wish: KeyChange) -> Key:
        if key.revoked_at is not None:
            raise InvalidRequest(f"Key {key.id!r} is revoked and cannot be changed: create a new one.", param="id")
        now = self._clock()
        ends = wish.lasts or wish.expires_at is not None
        return replace(
            key,
            name=key.name if wish.name is None else checked_name(wish.name, "A key's"),
            expires_at=checked_end(wish.expires_at, now=now) if ends else key.expires_at,
            terms=_terms(key.kind, key.terms, wish.terms or {}),
        )

    async def _change(self, key_id: str, action: str, change: Callable[[Key], Key]) -> Key:
        def work(rows: Changes) -> Key:
            before = _key(rows, key_id)
            return self._put(rows, action, before, change(before))

        return await self._store.change(work)

    def _put(self, rows: Changes, action: str, before: Key, after: Key) -> Key:
        if after != before:
            rows.put(after)
            rows.log(act(self._actor, action, before, after), at=self._clock())
        return after


def _key(rows: Rows, key_id: str) -> Key:
    found = rows.key(key_id.partition(".")[0])
    if found is None:
        raise ObjectNotFound(
            f"There is no key {key_id.partition('.')[0]!r}: `glmgate keys list` shows all.", param="id"
        )
    return found


def _terms(kind: Kind, before: Terms, changes: Mapping[str, Any]) -> Terms:
    """The terms of a key of that kind. InvalidRequest where one of them would hold for nothing."""
    after = changed(before, changes)
    idle = [name for name in changes if name != _OF_ALL and getattr(after, name) != getattr(NO_TERMS, name)]
    if kind == "admin" and idle:
        raise InvalidRequest(
            f"{idle[0]!r} would hold for nothing: an administrator's key asks no model. Of all terms it may have "
            f"{_OF_ALL!r} only.",
            param=f"terms.{idle[0]}",
        )
    return after


def _new_id() -> str:
    # 32 hexadecimal digits, as the ids of Z.AI's own keys: applications that check the form accept ours.
    return secrets.token_hex(16)
