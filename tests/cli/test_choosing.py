"""Tests of `glmgate serve --model NAME`: what is here, what is pulled, and who is asked before."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from bench import random_model
from tests.cli.pulling import NAME, Machine, ended, machine_in

SERVE = ("serve", "--port", "0", "--no-auth", "--log-format", "json")


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A home without models, and a hub."""
    async with machine_in(tmp_path) as made:
        yield made


async def ready(process: asyncio.subprocess.Process) -> str:
    """The banner of a server that answers."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        while "print(answer" not in said:
            line = await process.stdout.readline()
            if not line:
                assert process.stderr is not None
                raise AssertionError((await process.stderr.read()).decode())
            said += line.decode()
    return said


def answered_by(banner: str, name: str) -> str:
    """The model that speaks where a chat is asked of `name`."""
    found = re.search(r"http://127\.0\.0\.1:\d+/v1", banner)
    assert found
    body = json.dumps({"model": name, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}).encode()
    request = Request(f"{found[0]}/chat/completions", body, {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=60) as reply:  # noqa: S310 -- loopback
        model: str = json.load(reply)["model"]
    return model


@pytest.mark.engine
async def test_a_name_is_pulled_served_and_answers_for_glm(machine: Machine) -> None:
    """One command from nothing to a model that speaks under GLM's names; the next start finds it here."""
    process = await machine.start(*SERVE, "--model", NAME, "--yes")
    banner = await ready(process)
    assert machine.file.read_bytes() == machine.hub.content
    assert await asyncio.to_thread(answered_by, banner, "glm-4.6") == NAME
    process.terminate()
    assert (await ended(process)).code == 0
    again = await machine.start(*SERVE)
    assert NAME in await ready(again)
    again.terminate()
    await ended(again)
    assert len(machine.hub.asked()) == 1


async def test_without_a_terminal_nothing_is_pulled_unasked(machine: Machine) -> None:
    """The error names the command, and the hub is not even asked."""
    done = await machine.run(*SERVE, "--model", NAME)
    assert done.code == 1
    assert f"`glmgate pull {NAME}`" in done.err
    assert "--yes" in done.err
    assert machine.hub.heard == []


async def test_who_says_no_gets_no_file(machine: Machine) -> None:
    """On a terminal size and licence are shown before the question."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "GLMGATE_HOME": str(machine.home), "HF_ENDPOINT": machine.hub.url}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(machine.program), *SERVE, "--model", NAME, stdin=theirs, stdout=pipe, stderr=pipe, env=environment
    )
    os.write(ours, b"n\n")
    done = await ended(process)
    os.close(ours)
    os.close(theirs)
    assert done.code == 1
    for told in ("2.63 GB", "licence", "Fetch it?"):
        assert told in done.err
    assert machine.names() == []


async def test_a_model_too_large_for_the_machine_is_not_pulled(machine: Machine) -> None:
    """The nearest one that fits is named."""
    done = await machine.run(*SERVE, "--model", NAME, "--yes", GLMGATE_ENGINE_MEMORY_BYTES="2000000000")
    assert done.code == 1
    assert "`--model glm-edge-1.5b-chat-q8_0`" in done.err
    assert machine.hub.heard == []


async def test_a_name_of_nothing_is_told(machine: Machine) -> None:
    """Neither file nor model; the nearest name is."""
    done = await machine.run(*SERVE, "--model", "glm-edge-4b")
    assert done.code == 1
    assert "'glm-edge-4b' is no file" in done.err
    assert NAME in done.err


async def test_a_file_in_the_folder_of_models_has_a_name(machine: Machine) -> None:
    """What somebody put there is found by its name, whatever its case, and a misfit is refused at the start."""
    random_model.write(machine.models / "mine.gguf", random_model.TINY)
    done = await machine.run(*SERVE, "--model", "MINE", GLMGATE_ENGINE_MEMORY_BYTES="136000000")
    assert done.code == 1
    assert "--ctx" in done.err
