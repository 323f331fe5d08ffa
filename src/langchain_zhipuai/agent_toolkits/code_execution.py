"""Who may run a model's code on this machine: a function that the user names, such as SubprocessCodeExecutor.

Nothing here is used unless it was named (`CodeInterpreterAdapterAllTool.executor`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypedDict, runtime_checkable

CodeExecutor = Callable[[str], str]
"""Takes code, gives what it printed. Asynchronous agents call it in a thread."""

CHILD: Final = Path(__file__).with_name("code_child.py")
_ENVIRONMENT: Final = {"PYTHONIOENCODING": "utf-8", "PATH": os.defpath}


@runtime_checkable
class AsyncCodeExecutor(Protocol):
    """An executor that asynchronous agents need not put into a thread, and that ends when it is cancelled."""

    async def acall(self, code: str) -> str:
        """Take code, give what it printed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SubprocessCodeExecutor:
    """Runs code in a Python process of its own. This is no sandbox.

    The code gets a process (it cannot change or end this program's), an empty folder that is removed afterwards, an
    empty environment (so no keys), and a time limit, after which it and what it started are killed; only the first
    `most_bytes` of its output are read. It still runs as this user: it can read and write the user's files, reach the
    network, fill memory and disk. For code that nobody should trust, write an executor around a container.
    """

    timeout_s: float = 30.0
    most_bytes: int = 65_536
    python: str = field(default=sys.executable)

    def __call__(self, code: str) -> str:
        """Run code; what it wrote to standard output and error, or what stopped it."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as output:
            process = subprocess.Popen(  # noqa: S603 - running code is what the user named this for
                self._command, cwd=folder, env=_ENVIRONMENT, stdin=subprocess.PIPE, **_outputs(output)
            )
            try:
                process.communicate(_encoded(code), timeout=self.timeout_s)
                stopped = False
            except subprocess.TimeoutExpired:
                stopped = True
            finally:
                kill_session(process.pid)
                process.wait()
            return self._said(output, process.returncode, stopped=stopped)

    async def acall(self, code: str) -> str:
        """The same without a thread; the process is killed when the task is cancelled."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as output:
            process = await asyncio.create_subprocess_exec(
                *self._command, cwd=folder, env=_ENVIRONMENT, stdin=subprocess.PIPE, **_outputs(output)
            )
            try:
                await asyncio.wait_for(process.communicate(_encoded(code)), self.timeout_s)
                stopped = False
            except TimeoutError:
                stopped = True
            finally:
                kill_session(process.pid)
                status = await process.wait()
            return self._said(output, status, stopped=stopped)

    @property
    def _command(self) -> tuple[str, ...]:
        return self.python, "-I", str(CHILD)

    def _said(self, output: BinaryIO, status: int, *, stopped: bool) -> str:
        output.seek(0)
        read = output.read(self.most_bytes + 1)
        text = read[: self.most_bytes].decode("utf-8", errors="replace")
        notes = []
        if len(read) > self.most_bytes:
            notes.append(f"(the output was longer than {self.most_bytes} bytes and is cut here)")
        if stopped:
            notes.append(f"(the code was stopped after {self.timeout_s:g} s)")
        elif status < 0:
            notes.append(f"(the code was ended by signal {-status})")
        return "\n".join([*([text] if text else []), *notes]) or "(the code ran to its end and printed nothing)"


def _encoded(code: str) -> bytes:
    # JSON can say half of a pair of surrogates; the child refuses it, in words for the model.
    return code.encode(errors="surrogatepass")


class _Outputs(TypedDict):
    stdout: BinaryIO
    stderr: int
    start_new_session: bool


def _outputs(output: BinaryIO) -> _Outputs:
    # A session of its own, so that what the code starts can be killed with it.
    return {"stdout": output, "stderr": subprocess.STDOUT, "start_new_session": True}


def kill_session(pid: int) -> None:
    """Kill a child that has a session of its own, and what it started; nothing where all of that has ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
