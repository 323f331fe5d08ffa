"""Tests of where limits and budgets are counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glmgate.app.counting import FILE_NAME, chosen, counting
from glmgate.policy.counters import Bucket, MemoryCounters, Taken
from glmgate.settings import Settings, load
from tests.servers.redis import Redis

POSTGRES = "postgresql://u@host/name"


def settings(home: Path, *, auth: str = "true", store: str = "auto", **storage: str) -> Settings:
    """Settings with this section `[storage]`."""
    flags: dict[tuple[str, str], object] = {("server", "auth"): auth == "true", ("limits", "store"): store}
    return load(environment={}, home=home, flags=flags | {("storage", name): value for name, value in storage.items()})


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        ({}, "memory"),
        ({"url": POSTGRES}, "database"),
        ({"url": POSTGRES, "redis_url": "redis://host"}, "redis"),
        ({"redis_url": "redis://host"}, "redis"),
        ({"redis_url": "redis://host", "store": "memory"}, "memory"),
        ({"store": "file"}, "file"),
    ],
)
def test_what_is_needed_is_chosen(tmp_path: Path, storage: dict[str, str], expected: str) -> None:
    """One server counts in memory, whoever may have replicas in what they share."""
    assert chosen(settings(tmp_path, **storage)) == expected


def test_without_keys_nothing_is_shared(tmp_path: Path) -> None:
    """`--no-auth` has no limits to count."""
    assert chosen(settings(tmp_path, auth="false", url=POSTGRES)) == "memory"


async def test_servers_of_one_machine_may_count_in_one_file(tmp_path: Path) -> None:
    """What one has taken the next has not."""
    found = settings(tmp_path, store="file")
    async with counting(found) as one, counting(found) as other:
        assert isinstance(await one.take("a", [Bucket("rpm", 1)]), Taken)
        assert not isinstance(await other.take("b", [Bucket("rpm", 1)]), Taken)
    assert (tmp_path / FILE_NAME).is_file()


async def test_a_worker_counts_in_its_parent_s_memory(tmp_path: Path) -> None:
    """Where memory is what is chosen; a store that others share goes before it."""
    parent = MemoryCounters()
    async with counting(settings(tmp_path), parent=parent) as counters:
        assert counters is parent
    async with counting(settings(tmp_path, store="file"), parent=parent) as counters:
        assert counters is not parent


async def test_replicas_count_in_redis_and_in_postgresql(tmp_path: Path, redis: Redis, postgres_url: str) -> None:
    """Both are opened as the settings say, and closed again."""
    for storage in ({"redis_url": redis.url, "redis_prefix": "here:"}, {"url": postgres_url}):
        async with counting(settings(tmp_path, **storage)) as one, counting(settings(tmp_path, **storage)) as other:
            assert isinstance(await one.take("a", [Bucket("rpm", 1)]), Taken)
            assert not isinstance(await other.take("b", [Bucket("rpm", 1)]), Taken)
    assert redis.names() == ["{here:}rpm"]


async def test_a_file_of_counters_is_its_owners(tmp_path: Path) -> None:
    """Whatever the process usually makes; one from before is narrowed."""
    before = os.umask(0)
    try:
        for _ in range(2):
            async with counting(settings(tmp_path, store="file")):
                modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("counters.db*")}
            assert FILE_NAME in modes
            assert set(modes.values()) == {0o600}
            (tmp_path / FILE_NAME).chmod(0o644)
    finally:
        os.umask(before)
