"""Identify: from what a request's head says to the caller who sent it.

Decides nothing about credentials (`policy.credentials`); asks the store, at most twice a second for each key. While
the store is away, keys count for a while as they were last seen.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from glmgate.errors import Unavailable
from glmgate.policy.credentials import judge, parse, secrets_of
from glmgate.policy.interfaces import Clock, KeyStore
from glmgate.policy.keys import Key, MasterKey
from glmgate.telemetry.keys import KeysWatch, NullKeysWatch
from glmgate.telemetry.log import get_logger
from glmgate.wire.engine import Caller

# A revoked key has to be refused by every process within a second; half of it is left for the work itself.
FRESH_S: Final = 0.5
# What is known longer is not trusted, even while the store is away: a restart of a database takes less.
KEPT_S: Final = 60.0
# How long the store may take before a key that is known counts as it was last seen.
PATIENCE_S: Final = 2.0
KNOWN_LIMIT: Final = 10_000
# Kept apart, so that somebody who tries ids does not push out the keys that exist.
UNKNOWN_LIMIT: Final = 1_000


_NOBODY: Final = Caller(key_id="")
"""Who asks with a key that there is not: never given to anybody."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store said of one id at the time `at`, and who asks with it."""

    at: float
    key: Key | None
    caller: Caller
    secrets: tuple[str, str] = field(repr=False)


class Identify:
    """Who sent a request? Raises AuthenticationFailed (1001 to 1004), or Unavailable when the store is."""

    def __init__(
        self, store: KeyStore, master: MasterKey, *, clock: Clock = time.time, watch: KeysWatch | None = None
    ) -> None:
        self._store = store
        self._master = master
        self._clock = clock
        self._watch = watch or NullKeysWatch()
        self._outage = _Outage(clock, self._watch)
        self._known: dict[str, _Found] = {}
        self._unknown: dict[str, _Found] = {}
        self._asking: dict[str, asyncio.Task[_Found]] = {}

    async def __call__(self, authorization: str | None) -> Caller:
        """The caller that an `Authorization` header stands for."""
        credential = parse(authorization)
        key_id = credential.key_id
        found = self._remembered(key_id, FRESH_S)
        if found is None:
            kept = self._remembered(key_id, KEPT_S)
            # Of what was not there nothing is kept: it may have been made since.
            found = await (self._ask(key_id) if kept is None or kept.key is None else self._ask_or_keep(key_id, kept))
        judge(credential, found.key, secrets=found.secrets, now=self._clock())
        return found.caller

    def _remembered(self, key_id: str, most_s: float) -> _Found | None:
        found = self._known.get(key_id) or self._unknown.get(key_id)
        # A clock that was set back makes the age negative: then the memory is worth nothing.
        if found is not None and 0 <= self._clock() - found.at < most_s:
            return found
        return None

    async def _ask_or_keep(self, key_id: str, kept: _Found) -> _Found:
        """What the store says, or what it said before while it is away."""
        if not self._outage.is_on:
            with suppress(Unavailable):  # which has been told
                try:
                    return await asyncio.wait_for(self._ask(key_id), PATIENCE_S)
                except TimeoutError:
                    self._outage.began(f"no answer in {PATIENCE_S:.0f} s")
        self._watch.remembered()
        return kept

    async def _ask(self, key_id: str) -> _Found:
        task = self._asking.get(key_id)
        if task is None:
            task = self._asking[key_id] = asyncio.create_task(self._look_up(key_id))
            task.add_done_callback(lambda done: self._answered(key_id, done))
        # Shielded: others wait for the same answer when one of the clients leaves.
        return await asyncio.shield(task)

    async def _look_up(self, key_id: str) -> _Found:
        at = self._clock()  # before the question: what changes while it runs counts as not seen
        try:
            key = await self._store.find(key_id)
        except Unavailable as error:
            self._outage.began(error.message)
            raise
        self._outage.over()
        return _Found(at, key, _NOBODY if key is None else _caller(key), secrets_of(key_id, key, self._master))

    def _answered(self, key_id: str, task: asyncio.Task[_Found]) -> None:
        del self._asking[key_id]
        if task.cancelled() or task.exception() is not None:
            return
        self._known.pop(key_id, None)
        self._unknown.pop(key_id, None)
        found = task.result()
        if found.key is None:
            _put(self._unknown, key_id, found, limit=UNKNOWN_LIMIT)
        else:
            _put(self._known, key_id, found, limit=KNOWN_LIMIT)


class _Outage:
    """Whether the store is away: told once when it begins, and once when it is over."""

    def __init__(self, clock: Clock, watch: KeysWatch) -> None:
        self._clock = clock
        self._watch = watch
        self._since: float | None = None  # the last failure
        self._log = get_logger("glmgate.keys")

    @property
    def is_on(self) -> bool:
        """Whether the store has failed just now, so that keys that are known do not wait for it one after the other."""
        return self._since is not None and 0 <= self._clock() - self._since < FRESH_S

    def began(self, reason: str) -> None:
        """The store has failed."""
        if self._since is None:
            self._watch.away(is_away=True)
            self._log.error("the database of the keys is away", reason=reason, keys_count_for_s=KEPT_S)
        self._since = self._clock()

    def over(self) -> None:
        """The store has answered."""
        if self._since is not None:
            self._since = None
            self._watch.away(is_away=False)
            self._log.info("the database of the keys is back")


_ANYBODY: Final = Caller(key_id="anyone")


class Anyone:
    """Stands for `Identify` where no key is asked for (`--no-auth`)."""

    async def __call__(self, _: str | None) -> Caller:
        """The same caller for everybody."""
        return _ANYBODY


def _caller(key: Key) -> Caller:
    return Caller(
        key_id=key.id,
        organisation=key.organisation,
        project=key.project,
        scopes=key.scopes,
        admin=key.kind == "admin",
    )


def _put(memory: dict[str, _Found], key_id: str, found: _Found, *, limit: int) -> None:
    while len(memory) >= limit:
        del memory[next(iter(memory))]  # the oldest: entries are put in again when they are asked for again
    memory[key_id] = found
