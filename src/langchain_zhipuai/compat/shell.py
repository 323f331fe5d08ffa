"""A tool that runs commands of a shell, as old programs import it from `langchain.tools.shell`."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from collections.abc import Callable

from langchain_core.tools import BaseTool
from langchain_core.tools.base import ArgsSchema
from pydantic import BaseModel, Field, PrivateAttr
from typing_extensions import override

from langchain_zhipuai.agent_toolkits.code_execution import kill_session


class ShellInput(BaseModel):
    """What is to be run."""

    commands: str | list[str] = Field(description="One command for the shell, or several to be run one after the other")


class ShellTool(BaseTool):
    """Runs commands with `/bin/sh`, as this user, with nothing in between: there are no safeguards.

    `ask_human_input` asks on the terminal before each run. What is given is what the commands wrote to standard output
    and standard error.
    """

    name: str = "terminal"
    description: str = "Runs shell commands on this machine and gives what they print."
    args_schema: ArgsSchema | None = ShellInput
    ask_human_input: bool = False
    timeout_s: float = 120.0
    """Commands are killed after it."""
    ask: Callable[[str], str] = input
    """Puts the question of `ask_human_input` and gives what was answered."""
    _warned: bool = PrivateAttr(default=False)

    @override
    def _run(self, commands: str | list[str]) -> str:
        if not self._warned:
            self._warned = True
            warnings.warn(
                "ShellTool runs whatever commands it is given, as this user and without any safeguard; "
                "use ask_human_input=True to be asked first",
                stacklevel=2,
            )
        script = commands if isinstance(commands, str) else "\n".join(commands)
        if self.ask_human_input and self.ask(f"Run this?\n{script}\n(y/n) ").strip().lower() not in {"y", "yes"}:
            return "The user did not allow this command; nothing was run."
        return self._output(script)

    def _output(self, script: str) -> str:
        # A file instead of a pipe: what a command leaves running in the background would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(  # noqa: S602 - a shell is what the user asked for
                script,
                shell=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(self.timeout_s)
                note = f"\n(exit status {status})" if status else ""
            except subprocess.TimeoutExpired:
                note = f"\n(stopped after {self.timeout_s:g} s)"
            finally:
                if process.poll() is None:
                    kill_session(process.pid)
                    process.wait()
            output.seek(0)
            return output.read().decode("utf-8", "replace") + note
