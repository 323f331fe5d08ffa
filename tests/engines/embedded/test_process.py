"""Starting and ending a real child."""

from __future__ import annotations

import os
import signal
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from bench.random_model import TINY, write
from glmgate.engines.embedded.process import Complaints, StartFailed, launch, remove_leftovers, socket_folder
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel, parameters, plan
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.interfaces import Outgoing, Timeouts
from glmgate.weights.gguf import read_facts

pytestmark = pytest.mark.engine

SETTINGS = EmbeddedSettings(threads=1, context=256, parallel=2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random model."""
    return write(tmp_path_factory.mktemp("models") / "tiny.gguf", TINY)


def options(path: Path) -> dict[str, object]:
    """The engine's parameters for a model."""
    made = plan(LocalModel("m", path), read_facts(path), SETTINGS, threads=1, budget_bytes=1 << 33)
    return dict(parameters(made, SETTINGS))


def folders() -> set[Path]:
    """The socket folders that are there."""
    return set(Path(os.environ.get("TMPDIR", "/tmp")).glob("glmgate-engine-*/e.sock"))


async def test_a_launched_child_serves_and_leaves_nothing_behind(tiny: Path) -> None:
    """Its socket is in a private folder, and both are gone after its end."""
    before = folders()
    child = await launch(options(tiny), timeout_s=60)
    (socket,) = folders() - before
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    reply = await child.endpoint.transport.get(
        child.endpoint.outgoing("/slots", timeouts=Timeouts()), max_bytes=1 << 20
    )
    assert (reply.status, reply.body.count(b'"n_ctx":256,')) == (200, 2)
    await child.end()
    assert await child.wait() == "exit status 0"
    assert not socket.parent.exists()


async def test_every_parameter_that_we_set_is_known_to_the_library(
    tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A release that renames one of them fails here."""
    child = await launch({**options(tiny), "pooling_type": "LLAMA_POOLING_TYPE_MEAN"}, timeout_s=60)
    await child.end()
    assert "does not know" not in caplog.text


async def test_nobody_without_the_key_is_answered(tiny: Path) -> None:
    """The folder keeps others out; the key keeps out who gets in all the same."""
    before = folders()
    child = await launch(options(tiny), timeout_s=60)
    (socket,) = folders() - before
    stranger = AiohttpTransport(socket=socket)
    reply = await stranger.get(Outgoing(url="http://engine/props"), max_bytes=1 << 20)
    await stranger.aclose()
    await child.end()
    assert reply.status == 401


async def test_a_model_that_does_not_load_says_why(tiny: Path, tmp_path: Path) -> None:
    """In the engine's own words, which are on its standard error only (engine facts 3.11)."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(tiny.read_bytes()[:-4000])
    before = folders()
    with pytest.raises(StartFailed, match=r"not within the file bounds|corrupted|incomplete"):
        await launch({**options(tiny), "model.path": str(broken)}, timeout_s=60)
    assert folders() == before


async def test_a_child_that_takes_too_long_is_killed(tiny: Path) -> None:
    """And leaves nothing behind."""
    before = folders()
    with pytest.raises(StartFailed, match="did not serve within"):
        await launch(options(tiny), timeout_s=0.01)
    assert folders() == before


async def test_a_child_that_ends_by_itself_tells_how(tiny: Path) -> None:
    """The signal, as the negative number that Python makes of it; its leftovers are removed by `end`."""
    before = folders()
    child = await launch(options(tiny), timeout_s=60)
    os.kill(child.pid, signal.SIGSEGV)
    assert await child.wait() == "exit status -11"
    await child.end()
    assert folders() == before


async def test_a_child_that_hangs_is_killed(tiny: Path) -> None:
    """One that does not follow the order to go is ended by SIGKILL after 3 s."""
    child = await launch(options(tiny), timeout_s=60)
    os.kill(child.pid, signal.SIGSTOP)
    await child.end()
    assert await child.wait() == "exit status -9"


def test_the_engine_s_errors_are_found_among_its_lines() -> None:
    """However the reads cut them; time and level are left out."""
    complaints = Complaints()
    text = b"0.01.111.222 I load: fine\n0.01.111.333 E load: tensor is broken\nTraceback (most recent call last):\n"
    for place in range(0, len(text), 7):
        complaints.feed(text[place : place + 7])
    assert complaints.texts == ("load: tensor is broken",)


def test_without_an_error_line_the_last_line_is_told() -> None:
    """A library that is missing makes a traceback; its last line is the reason."""
    complaints = Complaints()
    complaints.feed(b"Traceback\nModuleNotFoundError: No module named 'x'\n")
    assert complaints.texts == ("ModuleNotFoundError: No module named 'x'",)


def test_of_a_crash_only_the_abort_is_told() -> None:
    """Other lines of a working engine may hold what callers sent."""
    complaints = Complaints()
    complaints.feed(b"secret text\nggml.c:123: GGML_ASSERT(x) failed\nmore secret text\n")
    assert complaints.aborts == ("ggml.c:123: GGML_ASSERT(x) failed",)


def test_what_is_kept_of_the_lines_is_bounded() -> None:
    """A child that complains without end does not fill the server's memory."""
    complaints = Complaints()
    for _ in range(1000):
        complaints.feed(b"x" * 5000 + b"\n" + b"y" * 5000)
    assert sum(len(line) for line in complaints.texts) < 1000


def test_a_folder_too_deep_for_a_socket_is_not_used(tmp_path: Path) -> None:
    """A socket's path ends at some 104 bytes."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    short = socket_folder(str(tmp_path)) if len(str(tmp_path)) < 70 else None
    moved = socket_folder(str(deep))
    assert not moved.is_relative_to(deep)
    assert list(deep.iterdir()) == []
    moved.rmdir()
    if short is not None:
        assert short.is_relative_to(tmp_path)


def test_folders_that_killed_servers_left_are_removed() -> None:
    """Those whose socket nobody listens to, unless they are so young that somebody may be about to."""
    with tempfile.TemporaryDirectory(dir="/tmp") as base, socket.socket(socket.AF_UNIX) as listening:
        kept, left = (socket_folder(base) for _ in range(2))
        listening.bind(str(kept / "e.sock"))
        listening.listen()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(left / "e.sock"))
        remove_leftovers(base)
        assert left.exists()
        remove_leftovers(base, older_than_s=-1)
        assert kept.exists()
        assert not left.exists()
