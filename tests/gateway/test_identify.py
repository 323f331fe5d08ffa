"""Tests of identify: who a request comes from, and how often the store is asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from typing_extensions import override

from glmgate.errors import AuthenticationFailed, Unavailable
from glmgate.gateway.identify import FRESH_S, KEPT_S, UNKNOWN_LIMIT, Anyone, Identify
from glmgate.policy.keys import Key, MasterKey, revoked
from glmgate.policy.memory_accounts import MemoryAccountStore
from glmgate.policy.organisation import Project
from glmgate.storage.accounts import open_accounts
from glmgate.telemetry.keys import KeysWatch
from glmgate.wire.engine import Caller
from glmgate.wire.terms import Scope, Terms
from tests.fakes.accounts import put
from tests.fakes.clock import FakeClock
from tests.fakes.tokens import sdk_token

MASTER = MasterKey.from_text("m" * 32)
KEY = Key(id="a1", name="one", created_at=0.0, organisation="acme", project="web")
HEADER = f"Bearer {KEY.text(MASTER)}"


class WatchedStore(MemoryAccountStore):
    """A store that counts questions, answers them when `gate` is open, and fails while `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.was_asked = asyncio.Event()
        self.broken = False

    @override
    async def find(self, key_id: str) -> Key | None:
        self.asked.append(key_id)
        found = await super().find(key_id)
        self.was_asked.set()
        await self.gate.wait()
        if self.broken:
            raise Unavailable("The database is away.")
        return found


class FakeKeysWatch(KeysWatch):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @override
    def away(self, *, is_away: bool) -> None:
        self.told.append("away" if is_away else "back")

    @override
    def remembered(self) -> None:
        self.told.append("remembered")


@pytest.fixture
async def store() -> WatchedStore:
    """A store with one key."""
    made = WatchedStore()
    await put(made, KEY)
    return made


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def identify(store: WatchedStore, clock: FakeClock) -> Identify:
    """What is tested."""
    return Identify(store, MASTER, clock=clock)


async def refused(identify: Identify, authorization: str | None) -> str:
    """The code with which a credential is refused."""
    with pytest.raises(AuthenticationFailed) as caught:
        await identify(authorization)
    return caught.value.zai_code


async def test_terms_above_a_key_hold_for_its_caller(identify: Identify, store: WatchedStore, clock: FakeClock) -> None:
    """Those of organisation, project and key, the widest first; what changes is seen within a second."""
    project = Project(id="web", name="Web", created_at=0.0, terms=Terms(rpm=5))
    await put(store, project)
    levels = [(scope.level, scope.terms.rpm) for scope in (await identify(HEADER)).scopes]
    assert levels == [("organisation", None), ("project", 5), ("key", None)]
    await put(store, replace(project, terms=Terms(rpm=7)))
    clock.advance(FRESH_S)
    assert (await identify(HEADER)).scopes[1].terms.rpm == 7


async def test_a_key_of_an_archived_project_is_refused(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """Within a second, and who knows the secret is told why."""
    project = Project(id="web", name="Web", created_at=0.0)
    await put(store, project)
    await identify(HEADER)
    await put(store, replace(project, archived_at=clock.now))
    clock.advance(FRESH_S)
    with pytest.raises(AuthenticationFailed, match="archived"):
        await identify(HEADER)


async def test_an_admin_key_makes_an_administrator(identify: Identify, store: WatchedStore) -> None:
    """The caller says so; no other key does."""
    assert not (await identify(HEADER)).admin
    other = replace(KEY, id="b2", kind="admin")
    await put(store, other)
    assert (await identify(f"Bearer {other.text(MASTER)}")).admin


async def test_a_key_gives_its_caller(identify: Identify) -> None:
    """The caller has the key's id, organisation and project, and the terms that hold for it."""
    found = await identify(HEADER)
    assert found == Caller(key_id="a1", organisation="acme", project="web", scopes=(Scope("key", "a1"),))


async def test_a_token_gives_the_same_caller(identify: Identify, clock: FakeClock) -> None:
    """A JWT stands for the key that signed it."""
    assert await identify(sdk_token(KEY.text(MASTER), now=clock.now)) == await identify(HEADER)


async def test_a_request_without_a_key_asks_nobody(identify: Identify, store: WatchedStore) -> None:
    """What can be refused by its form alone is."""
    assert await refused(identify, None) == "1001"
    assert await refused(identify, "Bearer nonsense") == "1002"
    assert store.asked == []


async def test_a_key_is_asked_for_once_in_half_a_second(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """Requests in between are answered from memory; each secret is checked all the same."""
    await identify(HEADER)
    clock.advance(FRESH_S - 0.01)
    await identify(HEADER)
    assert await refused(identify, "Bearer a1.wrong") == "1004"
    assert store.asked == ["a1"]


async def test_a_revoked_key_is_refused_within_half_a_second(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """What another process did to a key counts as soon as the memory is old."""
    await identify(HEADER)
    await put(store, revoked(KEY, now=clock.now))
    clock.advance(FRESH_S)
    assert await refused(identify, HEADER) == "1004"


async def test_a_key_that_expires_is_refused_at_once(store: WatchedStore, clock: FakeClock) -> None:
    """A key's end is checked against the clock on each request, remembered or not."""
    await put(store, replace(KEY, expires_at=clock.now + 0.1))
    identify = Identify(store, MASTER, clock=clock)
    await identify(HEADER)
    clock.advance(0.1)
    assert await refused(identify, HEADER) == "1003"
    assert store.asked == ["a1"]


async def test_a_clock_that_was_set_back_makes_nothing_last_longer(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """What was remembered in the future is asked for again."""
    await identify(HEADER)
    clock.advance(-3600)
    await identify(HEADER)
    assert store.asked == ["a1", "a1"]


async def test_unknown_keys_are_remembered_as_well(identify: Identify, store: WatchedStore, clock: FakeClock) -> None:
    """Somebody who tries one wrong key in a loop does not load the database, and a key made since is found."""
    assert await refused(identify, "Bearer b2.x") == "1004"
    assert await refused(identify, "Bearer b2.y") == "1004"
    assert store.asked == ["b2"]
    made = replace(KEY, id="b2")
    await put(store, made)
    clock.advance(FRESH_S)
    assert (await identify(made.text(MASTER))).key_id == "b2"


async def test_memory_is_bounded_and_strangers_do_not_push_keys_out(identify: Identify, store: WatchedStore) -> None:
    """Of unknown ids only the newest are remembered, and a good key stays remembered beside them."""
    await identify(HEADER)
    for number in range(UNKNOWN_LIMIT + 1):
        assert await refused(identify, f"Bearer u{number}.x") == "1004"
    store.asked.clear()
    assert await refused(identify, f"Bearer u{UNKNOWN_LIMIT}.x") == "1004"
    await identify(HEADER)
    assert store.asked == []
    assert await refused(identify, "Bearer u0.x") == "1004"
    assert store.asked == ["u0"]


async def test_requests_at_the_same_time_ask_once(identify: Identify, store: WatchedStore) -> None:
    """A burst of requests with one key is one question."""
    store.gate.clear()
    burst = [asyncio.create_task(identify(HEADER)) for _ in range(20)]
    await store.was_asked.wait()
    store.gate.set()
    assert {caller.key_id for caller in await asyncio.gather(*burst)} == {"a1"}
    assert store.asked == ["a1"]


async def test_a_client_that_leaves_takes_nobody_with_it(identify: Identify, store: WatchedStore) -> None:
    """When the request that asked first is cancelled, those that wait for the same answer get it."""
    store.gate.clear()
    leaving, waiting = (asyncio.create_task(identify(HEADER)) for _ in range(2))
    await store.was_asked.wait()
    leaving.cancel()
    await asyncio.sleep(0)
    store.gate.set()
    assert (await waiting).key_id == "a1"
    assert store.asked == ["a1"]


async def test_a_key_revoked_while_the_store_answers_is_not_remembered_long(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """An answer is as old as its question: a slow store does not stretch the half second."""
    store.gate.clear()
    slow = asyncio.create_task(identify(HEADER))
    await store.was_asked.wait()
    await put(store, revoked(KEY, now=clock.now))
    clock.advance(FRESH_S)
    store.gate.set()
    await slow
    assert await refused(identify, HEADER) == "1004"


async def test_a_failed_question_is_asked_again(identify: Identify, store: WatchedStore) -> None:
    """While the store is away requests fail as unavailable; the next one after it is back succeeds."""
    store.broken = True
    with pytest.raises(Unavailable):
        await identify(HEADER)
    store.broken = False
    assert (await identify(HEADER)).key_id == "a1"


async def test_a_known_key_is_good_while_the_store_is_away(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """For a minute after it was last seen; a secret has to be right all the same."""
    await identify(HEADER)
    store.broken = True
    clock.advance(KEPT_S - 0.01)
    assert (await identify(HEADER)).key_id == "a1"
    assert await refused(identify, "Bearer a1.wrong") == "1004"
    clock.advance(0.01)
    with pytest.raises(Unavailable):
        await identify(HEADER)


async def test_an_unknown_key_is_not_judged_while_the_store_is_away(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """Neither one that was never asked for nor one that was not there: it may have been made since."""
    assert await refused(identify, "Bearer b2.x") == "1004"
    store.broken = True
    clock.advance(FRESH_S)
    for text in ("b2.x", "c3.x"):
        with pytest.raises(Unavailable):
            await identify(f"Bearer {text}")


async def test_what_ended_before_or_ends_meanwhile_is_refused_while_the_store_is_away(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """A key that was revoked, and one whose time is over now."""
    ended, ending = replace(KEY, id="b2"), replace(KEY, id="c3", expires_at=clock.now + 10)
    await put(store, revoked(ended, now=clock.now))
    await put(store, ending)
    assert await refused(identify, ended.text(MASTER)) == "1004"
    await identify(ending.text(MASTER))
    store.broken = True
    clock.advance(9)
    assert await refused(identify, ended.text(MASTER)) == "1004"
    await identify(ending.text(MASTER))
    clock.advance(1)
    assert await refused(identify, ending.text(MASTER)) == "1003"


async def test_a_store_that_is_away_is_not_asked_by_each_request(
    identify: Identify, store: WatchedStore, clock: FakeClock
) -> None:
    """Once in half a second for all keys that are known; what changed meanwhile holds that soon after it is back."""
    other = replace(KEY, id="b2")
    await put(store, other)
    for text in (HEADER, other.text(MASTER)):
        await identify(text)
    store.broken = True
    clock.advance(FRESH_S)
    store.asked.clear()
    for _ in range(3):
        await identify(HEADER)
        await identify(other.text(MASTER))
    assert store.asked == ["a1"]
    store.broken = False
    await put(store, revoked(other, now=clock.now))
    clock.advance(FRESH_S)
    assert await refused(identify, other.text(MASTER)) == "1004"


async def test_an_absence_of_the_store_is_told_once(store: WatchedStore, clock: FakeClock) -> None:
    """In the log and to the watch: when it begins, also by a key that nobody knows, and when it is over."""
    watch = FakeKeysWatch()
    with structlog.testing.capture_logs() as lines:
        identify = Identify(store, MASTER, clock=clock, watch=watch)
        await identify(HEADER)
        store.broken = True
        with pytest.raises(Unavailable):
            await identify("Bearer b2.x")
        for _ in range(3):
            clock.advance(FRESH_S)
            await identify(HEADER)
        store.broken = False
        clock.advance(FRESH_S)
        await identify(HEADER)
    assert watch.told == ["away", *["remembered"] * 3, "back"]
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("the database of the keys is away", "error"),
        ("the database of the keys is back", "info"),
    ]


async def test_a_store_that_says_nothing_counts_as_away(
    store: WatchedStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is known waits for it only so long; when it answers at last, that counts."""
    monkeypatch.setattr("glmgate.gateway.identify.PATIENCE_S", 0.01)
    watch = FakeKeysWatch()
    identify = Identify(store, MASTER, clock=clock, watch=watch)
    await identify(HEADER)
    store.gate.clear()
    clock.advance(FRESH_S)
    assert (await identify(HEADER)).key_id == "a1"
    assert watch.told == ["away", "remembered"]
    store.gate.set()
    clock.advance(FRESH_S)
    await identify(HEADER)
    assert watch.told == ["away", "remembered", "back"]


async def test_a_key_revoked_by_another_process_is_refused_within_a_second(tmp_path: Path) -> None:
    """On a real database and a real clock: two openings of one file, as two processes have."""
    url = f"sqlite:///{tmp_path}/g.db"
    ours, theirs = await open_accounts(tmp_path, url=url), await open_accounts(tmp_path, url=url)
    key = await ours.keyring.create("mine")
    identify = Identify(ours.store, ours.master)
    await identify(ours.keyring.text(key))
    await theirs.keyring.revoke(key.id)
    await asyncio.sleep(FRESH_S + 0.1)
    assert await refused(identify, ours.keyring.text(key)) == "1004"
    await ours.aclose()
    await theirs.aclose()


async def test_without_auth_everybody_is_the_same_caller() -> None:
    """Where no key is asked for, none is needed and any is taken."""
    assert await Anyone()(None) == await Anyone()("Bearer whatever")
