"""The executor in a process of its own: what it isolates, what it bounds, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from langchain_zhipuai.agent_toolkits import SubprocessCodeExecutor
from langchain_zhipuai.agent_toolkits.code_execution import AsyncCodeExecutor

Run = Callable[[SubprocessCodeExecutor, str], Awaitable[str]]


async def blocking(executor: SubprocessCodeExecutor, code: str) -> str:
    """Through the blocking side."""
    return await asyncio.to_thread(executor, code)


async def waiting(executor: SubprocessCodeExecutor, code: str) -> str:
    """Through the asynchronous side."""
    return await executor.acall(code)


@pytest.fixture(params=[blocking, waiting], ids=["blocking", "waiting"])
def run(request: pytest.FixtureRequest) -> Run:
    """Both sides do the same."""
    side: Run = request.param
    return side


async def test_output_and_last_value(run: Run) -> None:
    """Standard output, standard error and the value of the last line, in their order."""
    code = "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr, flush=True)\n6 * 7"
    assert await run(SubprocessCodeExecutor(), code) == "out\nerr\n42\n"


async def test_a_traceback_is_output(run: Run) -> None:
    """The model can read what went wrong; broken code is no failure of ours."""
    assert "ZeroDivisionError" in await run(SubprocessCodeExecutor(), "1 / 0")
    assert "SyntaxError" in await run(SubprocessCodeExecutor(), "def")


async def test_silence_is_said(run: Run) -> None:
    """An empty text would read like a failure."""
    assert await run(SubprocessCodeExecutor(), "x = 1") == "(the code ran to its end and printed nothing)"


async def test_characters_beyond_ascii(run: Run) -> None:
    """Both ways."""
    assert await run(SubprocessCodeExecutor(), "print('你好')") == "你好\n"


async def test_code_that_no_file_could_hold_is_answered(run: Run) -> None:
    """A model's arguments may have half of a pair of surrogates, which JSON can say; the run goes on."""
    assert "UnicodeEncodeError" in await run(SubprocessCodeExecutor(), "print('\ud800')")


async def test_it_cannot_touch_this_process(run: Run) -> None:
    """It ends, alone."""
    assert await run(SubprocessCodeExecutor(), "import os\nos._exit(3)") == (
        "(the code ran to its end and printed nothing)"
    )
    assert (
        await run(SubprocessCodeExecutor(), "import os\nos.kill(os.getpid(), 9)") == "(the code was ended by signal 9)"
    )


async def test_it_gets_no_keys(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of this program is not the code's."""
    monkeypatch.setenv("ZHIPUAI_API_KEY", "secret")
    assert "secret" not in await run(SubprocessCodeExecutor(), "import os\nprint(dict(os.environ))")


async def test_its_folder_is_empty_and_goes(run: Run) -> None:
    """What it writes there is not left behind, nor can a module lie there for the next."""
    code = "import os\nopen('trace', 'w').close()\nprint(os.getcwd(), os.listdir('.'))"
    folder, listed = (await run(SubprocessCodeExecutor(), code)).split(maxsplit=1)
    assert listed == "['trace']\n"
    assert not Path(folder).exists()
    assert Path.cwd() != Path(folder)


async def test_time_is_bounded(run: Run) -> None:
    """What was printed until then is kept."""
    began = time.monotonic()
    said = await run(SubprocessCodeExecutor(timeout_s=1.5), "print('begun', flush=True)\nimport time\ntime.sleep(60)")
    assert said == "begun\n\n(the code was stopped after 1.5 s)"
    assert time.monotonic() - began < 30


async def test_output_is_bounded(run: Run) -> None:
    """A flood is cut, and the model is told."""
    said = await run(SubprocessCodeExecutor(most_bytes=10), "print('x' * 1000)")
    assert said == "xxxxxxxxxx\n(the output was longer than 10 bytes and is cut here)"


async def test_what_it_started_ends_with_it(run: Run) -> None:
    """A process in the background would outlive the answer."""
    code = "import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\np.pid"
    pid = int((await run(SubprocessCodeExecutor(), code)).strip())
    await gone(pid)


async def test_a_cancelled_call_leaves_no_process(tmp_path: Path) -> None:
    """Whoever stops waiting stops the code."""
    trace = tmp_path / "pid"
    code = f"import os, time\nopen({str(trace)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    task = asyncio.create_task(SubprocessCodeExecutor().acall(code))
    while not (trace.exists() and trace.read_text()):  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await gone(int(trace.read_text()))


def test_it_is_known_to_have_an_asynchronous_side() -> None:
    """Agents look for it."""
    assert isinstance(SubprocessCodeExecutor(), AsyncCodeExecutor)
    assert not isinstance(str.upper, AsyncCodeExecutor)


async def gone(pid: int) -> None:
    """Return when a process is no longer running; whoever inherits it may not have looked at it yet."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return
        if state == "Z":
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{pid} still runs")
