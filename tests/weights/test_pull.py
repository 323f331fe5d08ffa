"""Tests of pulling: a loopback hub that cuts, stalls and lies, and what is on disk afterwards."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench import random_model
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Timeouts
from glmgate.weights.asking import Asker, Patience
from glmgate.weights.catalogue import Entry
from glmgate.weights.errors import PullFailed
from glmgate.weights.hub import Hub, locate
from glmgate.weights.pull import pull
from glmgate.weights.store import Store
from tests.fakes.hub import FILE, REPOSITORY, Fault, LoopbackHub, hub_of

ENTRY = Entry(
    name="some-model",
    huggingface=REPOSITORY,
    modelscope=REPOSITORY,
    file="*Q4_K_M.gguf",
    bytes=1,
    architecture="glm4",
    licence="MIT",
    verified=False,
)


def tiny_model() -> bytes:
    """A real file of the smallest size: what is pulled has to be readable."""
    with tempfile.TemporaryDirectory() as folder:
        return random_model.write(Path(folder) / "tiny.gguf", random_model.TINY).read_bytes()


CONTENT = tiny_model()


@dataclass
class Told:
    """What a pull says of itself, and how long it meant to wait."""

    done: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def at(self, done: int, total: int) -> None:
        """See `Watch`."""
        self.done.append(done)

    def says(self, text: str) -> None:
        """See `Watch`."""
        self.said.append(text)

    async def sleep(self, seconds: float) -> None:
        """Waits for nothing."""
        self.waits.append(seconds)


@pytest.fixture
async def hub() -> AsyncIterator[LoopbackHub]:
    """A hub that serves a tiny model with random weights."""
    async with hub_of(CONTENT) as served:
        yield served


async def fetched(
    served: LoopbackHub, home: Path, *, told: Told | None = None, token: str | None = None, kind: str = "huggingface"
) -> Path:
    """Pull the model into `home`, as the command does."""
    told = told or Told()
    hub = Hub(kind="modelscope" if kind == "modelscope" else "huggingface", endpoint=served.url, token=token)
    patience = Patience(attempts=4, timeouts=Timeouts(connect_s=5, first_s=2, idle_s=0.5))
    transport = AiohttpTransport()
    try:
        asker = Asker(transport, token=token, patience=patience, watch=told, sleep=told.sleep)
        remote = await locate(hub, ENTRY, asker)
        return await pull(ENTRY, remote, store=Store(home), hub=served.url, asker=asker)
    finally:
        await transport.aclose()


async def refused(served: LoopbackHub, home: Path, *, told: Told | None = None) -> str:
    """What is said of a pull that fails."""
    with pytest.raises(PullFailed) as caught:
        await fetched(served, home, told=told)
    return caught.value.message


def names(home: Path) -> list[str]:
    """What lies in the folder of models."""
    return sorted(path.name for path in home.iterdir()) if home.exists() else []


@pytest.mark.parametrize("kind", ["huggingface", "modelscope"])
async def test_a_model_comes_whole(hub: LoopbackHub, tmp_path: Path, kind: str) -> None:
    """Byte by byte what the hub has, under the model's name, with its origin beside it and nothing else."""
    path = await fetched(hub, tmp_path / "models", kind=kind)
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["some-model.gguf", "some-model.json"]
    (model,) = Store(path.parent).models()
    assert model.origin is not None
    assert (model.name, model.origin.sha256, model.origin.file) == ("some-model", hub.sha256, FILE)


async def test_what_is_there_is_not_fetched_again(hub: LoopbackHub, tmp_path: Path) -> None:
    """A second pull asks for no bytes."""
    await fetched(hub, tmp_path)
    await fetched(hub, tmp_path)
    assert len(hub.asked()) == 1


async def test_a_cut_goes_on_where_it_was(hub: LoopbackHub, tmp_path: Path) -> None:
    """After a broken connection only the rest is asked for."""
    hub.faults += [Fault("cut", after=50_000), Fault("cut", after=20_000)]
    told = Told()
    path = await fetched(hub, tmp_path, told=told)
    assert path.read_bytes() == CONTENT
    assert hub.begins() == [0, 50_000, 70_000]
    assert len(told.waits) == 2


@pytest.mark.parametrize("fault", [Fault("stall", after=50_000), Fault("short", after=50_000)], ids=lambda f: f.kind)
async def test_silence_and_an_early_end_are_cuts(hub: LoopbackHub, tmp_path: Path, fault: Fault) -> None:
    """A hub that says nothing for too long, or ends politely but early, is asked for the rest."""
    hub.faults.append(fault)
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.begins() == [0, 50_000]


async def test_a_hub_that_never_gets_further_is_given_up(hub: LoopbackHub, tmp_path: Path) -> None:
    """After so many attempts without progress; what came stays, and the next pull goes on from there."""
    hub.faults += [Fault("cut", after=30_000), *[Fault("cut")] * 3]
    assert "does not answer" in await refused(hub, tmp_path)
    (part,) = tmp_path.glob("*.part")
    assert part.stat().st_size == 30_000
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.begins()[-1] == 30_000
    assert names(tmp_path) == ["some-model.gguf", "some-model.json"]


@pytest.mark.parametrize(("asked", "waited"), [("Retry-After: 7\r\n", 7.0), ("", None)])
async def test_a_hub_that_is_busy_is_asked_again(
    hub: LoopbackHub, tmp_path: Path, asked: str, waited: float | None
) -> None:
    """429 and 5xx are waited out, for as long as the hub asks where it does."""
    hub.faults += [Fault("status", status=429, headers=asked), Fault("status", status=502)]
    told = Told()
    assert (await fetched(hub, tmp_path, told=told)).read_bytes() == CONTENT
    assert told.waits[0] == waited or (waited is None and 0.5 < told.waits[0] <= 1.0)
    assert 1.0 < told.waits[1] <= 2.0


async def test_nobody_waits_for_an_hour(hub: LoopbackHub, tmp_path: Path) -> None:
    """A hub that asks for more patience than anybody has is given up at once, and nothing is left."""
    hub.faults.append(Fault("status", status=429, headers="Retry-After: 3600\r\n"))
    assert "3600 seconds" in await refused(hub, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "told"), [(401, "token"), (403, "licence"), (404, "no such file"), (451, "not serve")]
)
async def test_a_refusal_is_told_at_once(hub: LoopbackHub, tmp_path: Path, status: int, told: str) -> None:
    """What asking again does not help says what does; nothing is left. The CDN's signature is not shown."""
    hub.faults.append(Fault("status", status=status))
    said = await refused(hub, tmp_path)
    assert told in said
    assert str(status) in said
    assert "s3cr3t" not in said
    assert len(hub.asked()) == 1
    assert names(tmp_path) == []


async def test_a_listing_that_fails_is_asked_again(hub: LoopbackHub, tmp_path: Path) -> None:
    """The metadata gets the same patience as the file."""
    hub.listing_faults += [Fault("status", status=503)] * 2
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT


async def test_a_refused_range_begins_anew(hub: LoopbackHub, tmp_path: Path) -> None:
    """416 for a part that fits the stated size: the part is given up, not the pull."""
    hub.faults += [Fault("cut", after=50_000), Fault("status", status=416)]
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.begins() == [0, 50_000, 0]


@pytest.mark.parametrize(("kind", "begins"), [("whole", [0, 50_000]), ("elsewhere", [0, 50_000, 0])])
async def test_a_range_that_is_not_kept_does_no_harm(
    hub: LoopbackHub, tmp_path: Path, kind: str, begins: list[int]
) -> None:
    """A hub may send everything instead of the rest, or another part than was asked for."""
    hub.faults += [Fault("cut", after=50_000), Fault("whole" if kind == "whole" else "elsewhere")]
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.begins() == begins


@pytest.mark.parametrize("kind", ["total", "long"])
async def test_a_lie_about_the_length_is_refused(hub: LoopbackHub, tmp_path: Path, kind: str) -> None:
    """Another length than the metadata has, or more bytes than that: nothing is kept."""
    hub.faults.append(Fault("total" if kind == "total" else "long"))
    assert str(len(CONTENT)) in await refused(hub, tmp_path)
    assert names(tmp_path) == []


async def test_a_wrong_checksum_is_refused(hub: LoopbackHub, tmp_path: Path) -> None:
    """What does not have the stated checksum is removed, and both are told."""
    hub.faults.append(Fault("corrupt"))
    assert hub.sha256 in await refused(hub, tmp_path)
    assert names(tmp_path) == []


async def test_a_damaged_part_is_fetched_anew(hub: LoopbackHub, tmp_path: Path) -> None:
    """Where the fault may lie in what was here before, everything is fetched once more."""
    Store(tmp_path).part("some-model", hub.sha256).write_bytes(b"x" * 40_000)
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.begins() == [40_000, 0]


async def test_a_part_that_is_too_long_is_fetched_anew(hub: LoopbackHub, tmp_path: Path) -> None:
    """A part beyond the stated size cannot be of this file."""
    Store(tmp_path).part("some-model", hub.sha256).write_bytes(CONTENT + b"x")
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.begins() == [0]


async def test_a_part_that_is_whole_needs_no_bytes(hub: LoopbackHub, tmp_path: Path) -> None:
    """Killed between the last byte and the rename: nothing is asked for."""
    Store(tmp_path).part("some-model", hub.sha256).write_bytes(CONTENT)
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert hub.asked() == []


async def test_a_part_of_another_version_is_not_gone_on_with(hub: LoopbackHub, tmp_path: Path) -> None:
    """Its checksum is part of its name; it is removed when the right one is here."""
    Store(tmp_path).part("some-model", "f" * 64).write_bytes(b"older")
    assert (await fetched(hub, tmp_path)).read_bytes() == CONTENT
    assert names(tmp_path) == ["some-model.gguf", "some-model.json"]


async def test_a_file_that_changes_at_the_hub_is_noticed(hub: LoopbackHub, tmp_path: Path) -> None:
    """Another checksum on the redirect than in the listing ends the pull before its bytes come."""
    listed = hub.sha256
    hub.faults.append(Fault("cut", after=30_000))

    class Changing(Told):
        async def sleep(self, seconds: float) -> None:
            hub.sha256 = "a" * 64

    assert "changed" in await refused(hub, tmp_path, told=Changing())
    assert len(hub.asked()) == 1
    assert Store(tmp_path).part("some-model", listed).stat().st_size == 30_000


async def test_the_token_stays_at_its_hub(hub: LoopbackHub, tmp_path: Path) -> None:
    """The CDN that the hub sends us to gets the range, and no credential."""
    await fetched(hub, tmp_path, token="hf_secret")
    at_hub = [each for each in hub.heard if each.server == "hub"]
    assert [each.headers.get("authorization") for each in at_hub] == ["Bearer hf_secret"] * 2
    assert ["authorization" in each.headers for each in hub.asked()] == [False]


@pytest.mark.parametrize("location", ["", "ftp://elsewhere/x", "file:///etc/passwd"])
async def test_a_redirect_to_no_http_address_is_refused(hub: LoopbackHub, tmp_path: Path, location: str) -> None:
    """A hub does not send us into the file system."""
    hub.location = location
    assert "no HTTP address" in await refused(hub, tmp_path)


async def test_redirects_in_a_circle_end(hub: LoopbackHub, tmp_path: Path) -> None:
    """After five."""
    hub.location = f"/{REPOSITORY}/resolve/main/{FILE}"
    assert "more than 5" in await refused(hub, tmp_path)


async def test_what_is_no_model_is_removed(tmp_path: Path) -> None:
    """The right checksum of a file that no engine can run."""
    async with hub_of(b"<html>Not the file</html>" * 100) as served:
        assert "no GGUF" in await refused(served, tmp_path)
    assert names(tmp_path) == []


async def test_a_model_that_cannot_fit_the_disk_is_not_begun(hub: LoopbackHub, tmp_path: Path) -> None:
    """The disk is looked at before the first byte; the message has both sizes."""
    hub.listed_size = 10**16
    assert "10000000.00 GB have to come" in await refused(hub, tmp_path)
    assert hub.asked() == []
    assert names(tmp_path) == []


async def test_a_folder_that_cannot_be_made_is_told(hub: LoopbackHub, tmp_path: Path) -> None:
    """A file in the folder's place."""
    (tmp_path / "models").write_text("a file")
    assert "cannot be used" in await refused(hub, tmp_path / "models")


async def test_two_pulls_share_one_download(hub: LoopbackHub, tmp_path: Path) -> None:
    """The second waits for the first, sees it grow, and asks for no bytes."""
    hub.faults.append(Fault("slow", after=200_000))
    told = Told()
    first = asyncio.create_task(fetched(hub, tmp_path))
    while not hub.asked():  # noqa: ASYNC110 -- the hub is not told what to signal
        await asyncio.sleep(0.01)
    assert await fetched(hub, tmp_path, told=told) == await first
    assert len(hub.asked()) == 1
    assert any("another process" in text for text in told.said)
    assert told.done == sorted(told.done)


async def test_a_waiting_pull_takes_over(hub: LoopbackHub, tmp_path: Path) -> None:
    """Where the first one goes, the second goes on from its last byte."""
    hub.faults.append(Fault("slow", after=100_000))
    first = asyncio.create_task(fetched(hub, tmp_path))
    while not any(path.stat().st_size for path in tmp_path.glob("*.part")):  # noqa: ASYNC110 -- see above
        await asyncio.sleep(0.01)
    second = asyncio.create_task(fetched(hub, tmp_path))
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await second).read_bytes() == CONTENT
    assert len(hub.begins()) == 2
    assert hub.begins()[1] > 0


async def test_no_descriptor_stays_open(hub: LoopbackHub, tmp_path: Path) -> None:
    """Neither after success nor after failure."""
    await fetched(hub, tmp_path / "first")
    before = len(list(Path("/proc/self/fd").iterdir()))
    hub.faults.append(Fault("corrupt"))
    await refused(hub, tmp_path / "second")
    await fetched(hub, tmp_path / "third")
    await asyncio.sleep(0.05)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
