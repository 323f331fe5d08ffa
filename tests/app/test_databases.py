"""The whole program on PostgreSQL and Redis: replicas share keys and limits, and survive what befalls the servers."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from glmgate.app import opened
from glmgate.app.memory import remembering
from glmgate.errors import AuthenticationFailed, SettingsError, Unavailable
from glmgate.gateway.identify import FRESH_S, Identify
from glmgate.policy.reasoning import Thought
from glmgate.settings import Settings, load
from tests.servers.postgres import Postgres, name_of
from tests.servers.redis import Redis

MASTER = "a-master-key-of-more-than-32-characters"


def settings(home: Path, url: str, **storage: str) -> Settings:
    """The settings of a replica: the database and the master key are those of all."""
    home.mkdir(exist_ok=True)
    flags: dict[tuple[str, str], object] = {("storage", name): value for name, value in storage.items()}
    flags |= {("storage", "url"): "env:URL", ("server", "master_key"): "env:MASTER"}
    return load(environment={"URL": url, "MASTER": MASTER}, home=home, flags=flags)


async def test_replicas_share_keys_and_thoughts(tmp_path: Path, postgres_url: str, redis: Redis) -> None:
    """What one makes is good at the other, also when both start at once on an empty database."""
    replicas = [settings(tmp_path / name, postgres_url, redis_url=redis.url) for name in ("a", "b")]
    async with opened(replicas[0]) as one, opened(replicas[1]) as other:
        assert one.accounts is not None
        assert other.accounts is not None
        text = one.first_key or other.first_key
        caller = await Identify(other.accounts.store, other.accounts.master)(f"Bearer {text}")
        await one.accounts.keyring.revoke(caller.key_id)
        with pytest.raises(AuthenticationFailed):
            await Identify(other.accounts.store, other.accounts.master)(f"Bearer {text}")
    async with remembering(replicas[0]) as memory:
        await memory.thoughts.keep("project", [Thought("key", "a thought")])
    async with remembering(replicas[1]) as memory:
        assert dict(await memory.thoughts.find("project", ["key"])) == {"key": "a thought"}
    assert not (tmp_path / "a" / "master.key").exists()


async def test_several_may_start_at_once(tmp_path: Path, postgres_url: str) -> None:
    """On an empty database one makes the tables and the first key; nobody fails."""

    async def start(number: int) -> str | None:
        async with opened(settings(tmp_path / str(number), postgres_url)) as app:
            return app.first_key

    first = await asyncio.gather(*(start(number) for number in range(3)))
    assert sum(key is not None for key in first) == 1


async def test_a_failover_is_survived(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    """Every connection is ended under the program; keys are found all the same."""
    async with opened(settings(tmp_path / "a", postgres_url)) as app:
        assert app.accounts is not None
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'")
        assert [key.name for key in await app.accounts.keyring.keys()] == ["first"]


async def test_a_known_key_outlasts_a_database_that_is_away(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    """Nobody can connect, and the key goes on being good, without a wait for each request; a strange one does not."""
    async with opened(settings(tmp_path / "a", postgres_url)) as app:
        identify = functools.partial(app.gateway.identify, client=None)
        await identify(app.first_key)
        with postgres.away(name_of(postgres_url)):
            await asyncio.sleep(FRESH_S)
            for _ in range(20):
                await identify(app.first_key)
            assert b"glmgate_keys_away 1.0" in app.metrics.render()
            with pytest.raises(Unavailable):
                await identify(f"{'0' * 32}.secret")
        await asyncio.sleep(FRESH_S)
        await identify(app.first_key)
        assert b"glmgate_keys_away 0.0" in app.metrics.render()


async def test_another_master_key_is_refused(tmp_path: Path, postgres_url: str) -> None:
    """A replica that was given none of its own would make keys that the others do not know."""
    async with opened(settings(tmp_path / "a", postgres_url)):
        pass
    with pytest.raises(SettingsError, match="fingerprint"):
        async with opened(
            load(environment={"URL": postgres_url}, home=tmp_path / "b", flags={("storage", "url"): "env:URL"})
        ):
            pass
