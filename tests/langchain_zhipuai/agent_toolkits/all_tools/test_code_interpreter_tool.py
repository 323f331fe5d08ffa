"""Code runs where the service runs it, or where the user said, and nowhere else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from langchain_zhipuai.agent_toolkits import (
    CodeInterpreterAdapterAllTool,
    CodeInterpreterToolOutput,
    CodeNotRun,
    OutputsMissing,
)
from tests.langchain_zhipuai.agent_toolkits.all_tools.actions import called

LOGS = {"type": "logs", "logs": "42\n"}
FILE = {"type": "file", "file": "http://example.org/plot.png"}


def adapter(sandbox: str | None, **members: Any) -> CodeInterpreterAdapterAllTool:
    """An adapter as the tool was bound."""
    params = {} if sandbox is None else {"sandbox": sandbox}
    return CodeInterpreterAdapterAllTool(platform_params=params, **members)


@pytest.mark.parametrize("sandbox", ["auto", "none", None])
def test_what_the_service_has_run_is_not_run_again(sandbox: str | None) -> None:
    """Its outputs are the observation, whatever was bound; the code is kept beside them."""
    output = adapter(sandbox, executor=pytest.fail).run(
        {"agent_action": called("code_interpreter", "print(6 * 7)", LOGS, FILE)}
    )
    assert isinstance(output, CodeInterpreterToolOutput)
    assert str(output) == "42\n\nhttp://example.org/plot.png"
    assert (output.tool, output.code_input) == ("code_interpreter", "print(6 * 7)")
    assert output.extras["outputs"] == [LOGS, FILE]


async def test_a_named_executor_gets_the_code() -> None:
    """Blocking or not; what it gives is the observation."""
    tool = adapter("none", executor=lambda code: f"ran {code}")
    given = called("code_interpreter", "1 + 1")
    assert str(tool.run({"agent_action": given})) == "ran 1 + 1"
    output = await tool.arun({"agent_action": given})
    assert (output.code_output, output.data) == ("ran 1 + 1", "ran 1 + 1")


async def test_a_plain_function_does_not_block_the_loop() -> None:
    """It runs in a thread."""
    tool = adapter("none", executor=lambda _: threading.current_thread().name)
    output = await tool.arun({"agent_action": called("code_interpreter", "1")})
    assert str(output) != threading.main_thread().name


async def test_an_executor_with_an_asynchronous_side_is_waited_for() -> None:
    """It can be cancelled, which a thread cannot."""

    class Slow:
        """Never ends by itself."""

        cancelled = False

        def __call__(self, code: str) -> str:
            """The blocking side."""
            return code

        async def acall(self, code: str) -> str:
            """The other one."""
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            return code

    executor = Slow()
    tool = adapter("none", executor=executor)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(tool.arun({"agent_action": called("code_interpreter", "1")}), 0.05)
    assert executor.cancelled


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_without_an_executor_code_is_shown_and_not_run(tmp_path: Path, *, asynchronous: bool) -> None:
    """The message has the code and every way to name who runs it."""
    trace = tmp_path / "ran"
    code = f"open({str(trace)!r}, 'w').close()"
    given = {"agent_action": called("code_interpreter", code)}
    tool = adapter("none")
    with pytest.raises(CodeNotRun) as raised:
        await (tool.arun(given) if asynchronous else asyncio.to_thread(tool.run, given))
    assert raised.value.code == code
    for word in (code, "code_executor=", "executor=", "SubprocessCodeExecutor()"):
        assert word in str(raised.value)
    assert not trace.exists()


@pytest.mark.parametrize("sandbox", ["auto", None])
def test_the_services_sandbox_without_outputs(sandbox: str | None) -> None:
    """An executor is not a substitute for what the service promised."""
    with pytest.raises(OutputsMissing, match="sent no outputs"):
        adapter(sandbox, executor=lambda code: code).run({"agent_action": called("code_interpreter", "1")})


def test_a_sandbox_that_nobody_has() -> None:
    """It is found when the tool is made, not when the model calls it."""
    with pytest.raises(ValidationError, match=r"sandbox 'docker' is unknown.*'auto'.*'none'"):
        adapter("docker")
