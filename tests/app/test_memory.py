"""What is remembered over restarts, and what is not."""

from __future__ import annotations

from pathlib import Path

from glmgate.app.memory import remembering, thoughts_in_memory
from glmgate.policy.reasoning import Thought
from glmgate.settings import Settings, load


def settings(home: Path, *, auth: bool) -> Settings:
    """Settings of a server that asks for keys, or does not."""
    return load(environment={}, home=home, flags={("server", "auth"): auth})


async def found(settings: Settings) -> dict[str, str]:
    """What a start finds of the thought that another has kept."""
    async with remembering(settings) as memory:
        return dict(await memory.thoughts.find("project", ["key"]))


async def test_thoughts_outlive_a_restart(tmp_path: Path) -> None:
    """They are written before the program ends, for all workers and later starts."""
    async with remembering(settings(tmp_path, auth=True)) as memory:
        await memory.thoughts.keep("project", [Thought("key", "a thought")])
    assert await found(settings(tmp_path, auth=True)) == {"key": "a thought"}


async def test_without_keys_nothing_is_written(tmp_path: Path) -> None:
    """`--no-auth` makes no database; thoughts live as long as the process."""
    async with remembering(settings(tmp_path / "home", auth=False)) as memory:
        await memory.thoughts.keep("project", [Thought("key", "a thought")])
        assert await memory.thoughts.find("project", ["key"]) == {"key": "a thought"}
    assert not (tmp_path / "home").exists()
    assert await found(settings(tmp_path / "home", auth=False)) == {}


async def test_workers_without_keys_share_what_their_parent_keeps(tmp_path: Path) -> None:
    """What is kept is there when they have ended, and nothing is written."""
    given = settings(tmp_path / "home", auth=False)
    parent = thoughts_in_memory(given.reasoning)
    async with remembering(given, parent=parent) as one:
        await one.thoughts.keep("project", [Thought("key", "a thought")])
        assert await one.thoughts.find("project", ["key"]) == {"key": "a thought"}
    async with remembering(given, parent=parent) as other:
        assert await other.thoughts.find("project", ["key"]) == {"key": "a thought"}
    assert not (tmp_path / "home").exists()


async def test_answers_are_bounded_as_the_settings_say(tmp_path: Path) -> None:
    """The cache is one for all models."""
    flags = {("server", "auth"): False, ("cache", "longest_bytes"): 123}
    async with remembering(load(environment={}, home=tmp_path, flags=flags)) as memory:
        assert memory.answers.longest_bytes == 123
