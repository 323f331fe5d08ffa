"""Tests of `glmgate pull`: the real program against a loopback hub: interrupted, killed, twice at once, no room."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from glmgate.cli.progress import size
from tests.cli.pulling import NAME, Machine, ended, machine_in
from tests.fakes.hub import Fault

HELD = Fault("held", after=50_000)
"""The rest comes when the test says so."""


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A home without models, and a hub."""
    async with machine_in(tmp_path) as made:
        yield made


async def begun(machine: Machine) -> None:
    """Wait until some of the file is on the disk."""
    async with asyncio.timeout(60):
        while machine.arrived() < HELD.after:  # noqa: ASYNC110 -- another process writes
            await asyncio.sleep(0.02)


async def waits(process: asyncio.subprocess.Process) -> None:
    """Wait until the program says that it waits for another one."""
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(60):
        while b"another process" not in said:
            said = await process.stderr.readline()
            assert said


async def test_a_pull_brings_the_model_and_tells_its_way(machine: Machine) -> None:
    """The answer is one line on standard output; licence, size and place are told before, on standard error."""
    done = await machine.run("pull", NAME)
    assert done.code == 0, done.err
    assert done.out == f"{NAME} is here: {machine.file}\n"
    assert machine.file.read_bytes() == machine.hub.content
    for told in ("licence", "memory", machine.hub.url, str(machine.file), "not verified", "100 %"):
        assert told in done.err
    assert "\r" not in done.err


async def test_a_dry_run_fetches_nothing(machine: Machine) -> None:
    """Size, licence, memory and place, and no file."""
    done = await machine.run("pull", NAME, "--dry-run")
    assert done.code == 0, done.err
    for told in (size(len(machine.hub.content)), "licence", "memory", str(machine.file)):
        assert told in done.out
    assert machine.names() == []
    assert machine.hub.asked() == []


async def test_a_dry_run_without_a_hub_tells_what_the_catalogue_knows(machine: Machine) -> None:
    """And that the hub could not be asked, with status 1."""
    done = await machine.run("pull", NAME, "--dry-run", HF_ENDPOINT="http://127.0.0.1:9")
    assert (done.code, "2.63 GB (as the catalogue has it)" in done.out) == (1, True)
    assert "cannot be reached" in done.err
    assert "Traceback" not in done.err


async def test_a_pull_that_was_killed_goes_on(machine: Machine) -> None:
    """SIGKILL leaves what came; the next pull asks for the rest only, and what is there then is right."""
    machine.hub.faults.append(HELD)
    process = await machine.start("pull", NAME)
    await begun(machine)
    process.kill()
    await ended(process)
    assert machine.arrived() == HELD.after
    assert not machine.file.exists()
    done = await machine.run("pull", NAME)
    assert done.code == 0, done.err
    assert "going on after" in done.err
    assert machine.hub.begins() == [0, HELD.after]
    assert machine.file.read_bytes() == machine.hub.content
    assert machine.names() == [f"{NAME}.gguf", f"{NAME}.json"]


async def test_an_interrupted_pull_says_how_it_goes_on(machine: Machine) -> None:
    """Ctrl-C: status 130, no traceback, the part stays and `rm` would take it."""
    machine.hub.faults.append(HELD)
    process = await machine.start("pull", NAME)
    await begun(machine)
    process.send_signal(signal.SIGINT)
    done = await ended(process)
    assert done.code == 130
    assert f"`glmgate pull {NAME}` goes on" in done.err
    assert "Traceback" not in done.err
    assert machine.arrived() > 0
    removed = await machine.run("rm", NAME)
    assert (removed.code, machine.names()) == (0, [])


async def test_two_pulls_at_once_are_one_download(machine: Machine) -> None:
    """Both end well; the bytes came once."""
    machine.hub.faults.append(HELD)
    first = await machine.start("pull", NAME)
    await begun(machine)
    second = await machine.start("pull", NAME)
    await waits(second)
    machine.hub.go.set()
    assert ((await ended(second)).code, (await ended(first)).code) == (0, 0)
    assert len(machine.hub.asked()) == 1


async def test_a_waiting_pull_takes_over_from_one_that_is_killed(machine: Machine) -> None:
    """The lock goes with its process; the second goes on from the first one's last byte."""
    machine.hub.faults.append(HELD)
    first = await machine.start("pull", NAME)
    await begun(machine)
    second = await machine.start("pull", NAME)
    await waits(second)
    first.kill()
    await ended(first)
    assert (await ended(second)).code == 0
    assert machine.file.read_bytes() == machine.hub.content
    assert machine.hub.begins() == [0, HELD.after]


async def test_a_name_that_is_not_known_is_told(machine: Machine) -> None:
    """With the nearest one."""
    done = await machine.run("pull", "glm-edge-4-chat")
    assert (done.code, f"Do you mean {NAME}?" in done.err) == (1, True)


async def test_a_token_is_a_reference(machine: Machine) -> None:
    """It reaches the hub, and is never shown."""
    machine.home.mkdir()
    (machine.home / "glmgate.toml").write_text("[pull]\ntoken = 'env:SOME_TOKEN'\n")
    done = await machine.run("pull", NAME, SOME_TOKEN="hf_secret")
    assert done.code == 0, done.err
    assert machine.hub.heard[0].headers["authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in done.out + done.err


async def test_modelscope_is_a_hub_too(machine: Machine) -> None:
    """Its mirror is a setting like any other."""
    done = await machine.run("pull", NAME, "--hub", "modelscope", GLMGATE_PULL_MIRROR=machine.hub.url)
    assert done.code == 0, done.err
    assert "FilePath" in machine.hub.asked()[0].target


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that has 68 MiB: what is kept free and hardly more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root mounts file systems")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=68m", "tmpfs", folder], check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # whoever still looks at it does not keep it


async def test_a_disk_that_fills_up_leaves_nothing(machine: Machine, small_disk: Path) -> None:
    """Somebody else takes the room while the file comes: a clear error, and no part."""
    tight = Machine(small_disk / "home", machine.hub)
    machine.hub.faults.append(HELD)
    process = await tight.start("pull", NAME)
    await begun(tight)
    (small_disk / "other").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    machine.hub.go.set()
    done = await ended(process)
    assert done.code == 1
    assert "Make room on the disk" in done.err
    assert "Traceback" not in done.err
    assert tight.names() == []


async def test_a_disk_that_is_too_small_is_told_before(machine: Machine, small_disk: Path) -> None:
    """Nothing is fetched where it cannot end well."""
    (small_disk / "other").write_bytes(bytes(8 * 1024**2))
    done = await Machine(small_disk / "home", machine.hub).run("pull", NAME)
    assert (done.code, "have to come" in done.err) == (1, True)
    assert machine.hub.asked() == []
