"""Tools that stand for GLM's built-in ones: each makes an observation of a call that the service has made."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from langchain_core.tools import BaseTool, ToolException
from langchain_core.tools.base import ArgsSchema
from pydantic import BaseModel, Field
from typing_extensions import override

from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agent_toolkits.all_tools.output import BaseToolOutput

__all__ = ["AdapterAllTool", "AdapterInput", "BaseToolOutput", "OutputsMissing"]


class OutputsMissing(ToolException):
    """The service was to run a built-in tool, and sent nothing of what came of it."""


class AdapterInput(BaseModel):
    """What an adapter is run with."""

    agent_action: BuiltInAgentAction


class AdapterAllTool(BaseTool):
    """Stands for a built-in tool among an agent's tools. It is run with `{"agent_action": action}`."""

    name: str = ""
    description: str = ""
    args_schema: ArgsSchema | None = AdapterInput
    platform_params: dict[str, Any] = Field(default_factory=dict)
    """What the tool was bound with: for a code interpreter `sandbox`."""

    @classmethod
    @abstractmethod
    def get_type(cls) -> str:
        """The name of the adapter."""

    @abstractmethod
    def observe(self, action: BuiltInAgentAction) -> BaseToolOutput:
        """The observation of a call."""

    async def aobserve(self, action: BuiltInAgentAction) -> BaseToolOutput:
        """The observation of a call, where something has to be waited for."""
        return self.observe(action)

    @override
    def _run(self, agent_action: BuiltInAgentAction) -> BaseToolOutput:
        return self.observe(self._mine(agent_action))

    @override
    async def _arun(self, agent_action: BuiltInAgentAction) -> BaseToolOutput:
        return await self.aobserve(self._mine(agent_action))

    def _mine(self, action: BuiltInAgentAction) -> BuiltInAgentAction:
        if action.tool != self.name:
            raise ValueError(f"{type(self).__name__} takes calls of {self.name!r}, not of {action.tool!r}")
        return action

    def _sent(self, action: BuiltInAgentAction) -> list[dict[str, Any]]:
        """The outputs that the service sent. Raises OutputsMissing."""
        if not action.outputs:
            raise OutputsMissing(
                f"the service called its {action.tool!r} with {action.tool_input!r} and sent no outputs; "
                "a model that has this tool sends them, so ask such a model, or bind the agent without the tool"
            )
        return action.outputs
