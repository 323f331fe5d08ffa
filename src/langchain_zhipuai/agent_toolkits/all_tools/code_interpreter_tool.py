"""The built-in code interpreter: code that the service has run, or that is to be run here.

With `sandbox: "none"` the service sends code and runs nothing. It is run here only by an executor that the user named;
there is none by default, because code from a model may do anything that the program may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from langchain_core.tools import ToolException
from pydantic import field_validator
from typing_extensions import override

from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agent_toolkits.all_tools.output import BaseToolOutput
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agent_toolkits.all_tools.tool import AdapterAllTool
from langchain_zhipuai.agent_toolkits.code_execution import AsyncCodeExecutor, CodeExecutor


class CodeNotRun(ToolException):
    """There is code to be run, and nobody was named to run it."""

    def __init__(self, code: str) -> None:
        super().__init__(
            'the model sent code for its code_interpreter, which the service does not run (sandbox "none"), '
            "and no executor was named to run it here. Name one: "
            "ZhipuAIAllToolsRunnable.create_agent_executor(..., code_executor=...), "
            "ZhipuAiAllToolsAgentExecutor(..., code_executor=...) or CodeInterpreterAdapterAllTool(..., executor=...), "
            "each takes a function from code to output, such as SubprocessCodeExecutor(). "
            f"The code, which was not run:\n{code}"
        )
        self.code = code


class CodeInterpreterToolOutput(BaseToolOutput):
    """What the code printed; its `str`, with the code beside it."""

    def __init__(
        self, tool: str, code_input: str, code_output: Any, platform_params: dict[str, Any], **extras: Any
    ) -> None:
        super().__init__(code_output, **extras)
        self.tool = tool
        self.code_input = code_input
        self.code_output = code_output
        self.platform_params = platform_params


class CodeInterpreterAdapterAllTool(AdapterAllTool):
    """Takes what the service's sandbox gave; with `sandbox: "none"` gives the code to its executor."""

    name: str = AdapterAllToolStructType.CODE_INTERPRETER.value
    description: str = "GLM's own code interpreter"

    executor: CodeExecutor | None = None
    """Runs code and gives what it printed. Whatever it may do, the model's code may do."""

    @field_validator("platform_params")
    @classmethod
    def _known_sandbox(cls, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("sandbox", "auto") not in {"auto", "none"}:
            raise ValueError(
                f"sandbox {params['sandbox']!r} is unknown; it is 'auto' (the service runs code) or 'none'"
            )
        return params

    @classmethod
    @override
    def get_type(cls) -> str:
        return "CodeInterpreterAdapterAllTool"

    @override
    def observe(self, action: BuiltInAgentAction) -> CodeInterpreterToolOutput:
        if not self._is_to_be_run(action):
            return self._output(action, self._logs(action))
        return self._output(action, str(self._named(action)(str(action.tool_input))))

    @override
    async def aobserve(self, action: BuiltInAgentAction) -> CodeInterpreterToolOutput:
        if not self._is_to_be_run(action):
            return self._output(action, self._logs(action))
        executor = self._named(action)
        code = str(action.tool_input)
        given: object = executor
        if isinstance(given, AsyncCodeExecutor):
            return self._output(action, await given.acall(code))
        return self._output(action, str(await asyncio.to_thread(executor, code)))

    def _is_to_be_run(self, action: BuiltInAgentAction) -> bool:
        return not action.outputs and self.platform_params.get("sandbox", "auto") == "none"

    def _named(self, action: BuiltInAgentAction) -> CodeExecutor:
        if self.executor is None:
            raise CodeNotRun(str(action.tool_input))
        return self.executor

    def _logs(self, action: BuiltInAgentAction) -> str:
        return "\n".join(map(output_text, self._sent(action)))

    def _output(self, action: BuiltInAgentAction, printed: str) -> CodeInterpreterToolOutput:
        return CodeInterpreterToolOutput(
            action.tool, str(action.tool_input), printed, self.platform_params, outputs=action.outputs
        )


def output_text(output: Mapping[str, Any]) -> str:
    """An output as text: logs as they are, a file's name."""
    return str(output.get("logs") or output.get("file") or dict(output))
