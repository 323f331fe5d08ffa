"""Tests of the counters in Redis: the suite of all stores, and what is the server's own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings

from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.counters import Ask, Change, MemoryCounters, Refused, Slot, Spend, Taken, Unloaded
from glmgate.storage.counters_redis import RedisCounters
from tests.policy.counters_steps import STEPS, Step, agree
from tests.policy.counters_suite import LEASE_S, CountersSuite, Stage, bucket, state
from tests.servers.redis import Redis
from tests.storage.counters_stage import RealStage


class TestRedisCounters(CountersSuite):
    """The suite of all stores."""

    @pytest.fixture
    async def stage(self, redis: Redis) -> AsyncIterator[Stage]:
        """Counters in an empty server."""
        counters = RedisCounters(redis.url, lease_s=LEASE_S)
        yield RealStage(counters)
        await counters.aclose()


WITHOUT_CLIENT = """
import sys
sys.modules["redis"] = None
from glmgate.errors import SettingsError
from glmgate.storage.counters_redis import RedisCounters
try:
    RedisCounters("redis://u:geheim@host")
except SettingsError as error:
    print(error.message)
"""


@pytest.fixture
async def counters(redis: Redis) -> AsyncIterator[RedisCounters]:
    """Counters in an empty server."""
    opened = RedisCounters(redis.url)
    yield opened
    await opened.aclose()


def test_the_client_is_an_extra() -> None:
    """Without it the message says what to install, and shows no password."""
    said = subprocess.run([sys.executable, "-c", WITHOUT_CLIENT], capture_output=True, text=True, check=True).stdout
    assert "pip install 'glmgate[redis]'" in said
    assert "geheim" not in said


@pytest.mark.parametrize("url", ["geheim", "http://u:geheim@host", "redis:geheim", "redis://u:p@host:geheim/0"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    """What was written is not shown: a password may be in it."""
    with pytest.raises(SettingsError, match=r"\[storage\] redis_url") as caught:
        RedisCounters(url)
    assert "geheim" not in caught.value.message


@pytest.mark.parametrize("url", ["redis://u:geheim@127.0.0.1:1/0", "valkey://127.0.0.1:1", "unix:///nowhere/geheim"])
async def test_a_server_that_is_away_is_unavailable(url: str) -> None:
    """Later helps; where it should have been is not told to clients."""
    away = RedisCounters(url)
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        await away.take("a", [bucket()])
    await away.aclose()
    assert "geheim" not in caught.value.message
    assert "127.0.0.1" not in caught.value.message


async def test_a_wrong_password_is_told(redis: Redis) -> None:
    """In words that name the setting."""
    wrong = RedisCounters(f"{redis.url}?username=nobody&password=geheim")
    with pytest.raises(Unavailable, match=r"refuses.*\[storage\] redis_url"):
        await wrong.take("a", [bucket()])
    await wrong.aclose()


async def test_prefixes_are_counted_apart(redis: Redis) -> None:
    """Two installations share a server; all keys of one are on one server of a cluster."""
    one, other = (RedisCounters(redis.url, prefix=prefix) for prefix in ("one:", "other:"))
    await one.take("a", [bucket(10)])
    assert isinstance(await one.take("b", [bucket()]), Refused)
    assert isinstance(await other.take("b", [bucket()]), Taken)
    assert redis.names() == ["{one:}rpm", "{other:}rpm"]
    await one.aclose()
    await other.aclose()


async def test_one_prefix_can_be_forgotten(redis: Redis) -> None:
    """With characters that patterns are made of; others' keys stay."""
    one, other = (RedisCounters(redis.url, prefix=prefix) for prefix in ("a[1]*:", "a1x:"))
    for counters in (one, other):
        await counters.take("a", [bucket(), Slot("s", 1)])
    await one.clear()
    assert redis.names() == ["{a1x:}rpm", "{a1x:}s"]
    await one.aclose()
    await other.aclose()


async def test_a_restart_that_loses_everything_is_survived(redis: Redis, counters: RedisCounters) -> None:
    """Scripts are sent again, limits begin anew, and periods ask to be loaded."""
    ask = Spend("money", 1, time.time() + 1000, 10)
    await counters.load({"money": (0, ask.until)})
    await counters.take("a", [ask, bucket(10)])
    redis.restart()
    assert await counters.take("a", [ask, bucket(10)]) == Unloaded(("money",))
    assert isinstance(await counters.take("a", [bucket(10)]), Taken)


async def test_everything_ends_by_itself(redis: Redis, counters: RedisCounters) -> None:
    """Keys have an end: a period's own, a lease's, and the time when a debt is paid."""
    until = time.time() + 1000
    await counters.load({"money": (0, until)})
    asks: list[Ask] = [bucket(5, per_s=100.0), Slot("s", 3), Spend("money", 8, until, 10, likely=2)]
    await counters.take("a", asks)
    await counters.settle("a", [Change(asks[0], 1), Change(asks[2], -5)])
    ends = {key: redis.ttl_ms(key) / 1000 for key in redis.names()}
    assert 60 < ends["{glmgate:}rpm"] <= 62
    assert 10 < ends["{glmgate:}s"] <= 11
    # A lease that ran out has to be found by whoever asks next, however much later that is.
    assert all(998 < ends[f"{{glmgate:}}money{part}"] <= 1000 for part in ("", ":ends", ":held"))
    await counters.renew([], [("other", "a", 5)])
    assert all(10 < redis.ttl_ms(f"{{glmgate:}}other{part}") / 1000 <= 11 for part in (":ends", ":held"))
    await counters.load({"other": (0, until)})
    assert all(998 < redis.ttl_ms(f"{{glmgate:}}other{part}") / 1000 <= 1000 for part in ("", ":ends", ":held"))


@pytest.mark.parametrize("rest", [0, 1, 2, 999_999_999, 10**9])
async def test_money_is_exact_beyond_what_a_script_can_count(counters: RedisCounters, rest: int) -> None:
    """Nano-units of billions of a currency do not fit into the numbers of Lua; to the unit, all the same."""
    until = time.time() + 1000
    huge = 9 * 10**18 + 7
    await counters.load({"money": (huge - rest, until)})
    assert isinstance(await counters.take("a", [Spend("money", rest + 1, until, huge)]), Refused)
    assert state(await counters.take("b", [Spend("money", rest + 1, until, huge, least=rest)])).granted == rest
    assert isinstance(await counters.take("c", [Spend("money", 1, until, huge)]), Refused)


@pytest.mark.parametrize("likely", [0, 1, 2**53 + 1, 10**18 - 1])
async def test_leases_are_exact_beyond_what_a_script_can_count(counters: RedisCounters, likely: int) -> None:
    """To the unit: what is granted beyond the likely, a part of it that ends, and the rest of it with the request."""
    until = time.time() + 1000
    huge = 9 * 10**18
    await counters.load({"money": (0, until)})
    ask = Spend("money", 10**18, until, huge, likely=likely)
    await counters.take("a", [ask])
    held = 10**18 - likely
    await counters.settle("a", [Change(ask, 0, held // 3)])
    await counters.settle("a", [Change(ask, -(10**18) + 5, held - held // 3)])
    assert state(await counters.take("b", [Spend("money", 0, until, huge)])).remaining == huge - 5
    await counters.settle("a", [Change(ask, -(10**18), held)])
    assert state(await counters.take("b", [Spend("money", 0, until, huge)])).remaining == huge - max(0, 5 - likely)


@given(STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_leases_are_kept_as_in_memory(counters: RedisCounters, steps: Sequence[Step]) -> None:
    """Whatever holders do; how late they may be is in the suite."""
    await agree(counters, MemoryCounters(), steps, until=time.time() + 1000)
