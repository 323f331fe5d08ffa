"""The executor: LangChain's, which also knows tools that the service has run itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_classic.agents import AgentExecutor
from langchain_core.agents import AgentAction, AgentFinish, AgentStep
from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr
from typing_extensions import override

from langchain_zhipuai.actions import BuiltInAgentAction, CodeInterpreterAgentAction
from langchain_zhipuai.agent_toolkits import CodeExecutor, CodeInterpreterAdapterAllTool
from langchain_zhipuai.agent_toolkits.all_tools.registry import TOOL_STRUCT_TYPE_TO_TOOL_CLASS
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agents.format_scratchpad.all_tools import Step, text_of


class BuiltInFinish(AgentFinish):
    """The end that built-in tools brought, with the steps that led to it."""

    _steps: list[Step] = PrivateAttr(default_factory=list)


class ZhipuAiAllToolsAgentExecutor(AgentExecutor):
    """Runs an agent and its tools.

    Built-in tools need no adapter among `tools`. Where the service has browsed or drawn, and no other tool acted,
    that is the answer, and the model is not asked again; nor is it where it has already said what came of its tools.
    """

    code_executor: CodeExecutor | None = None
    """Runs the code that the service does not run (`sandbox: "none"`); without one, such code raises CodeNotRun."""

    @override
    def _perform_agent_action(
        self,
        name_to_tool_map: dict[str, BaseTool],
        color_mapping: dict[str, str],
        agent_action: AgentAction,
        run_manager: CallbackManagerForChainRun | None = None,
    ) -> AgentStep:
        if not isinstance(agent_action, BuiltInAgentAction):
            return super()._perform_agent_action(name_to_tool_map, color_mapping, agent_action, run_manager)
        if run_manager:
            run_manager.on_agent_action(agent_action, color="green")
        observation = self._adapter(agent_action, name_to_tool_map).run(
            {"agent_action": agent_action},
            verbose=self.verbose,
            color="red",
            callbacks=run_manager.get_child() if run_manager else None,
            **self._action_agent.tool_run_logging_kwargs(),
        )
        return AgentStep(action=agent_action, observation=observation)

    @override
    async def _aperform_agent_action(
        self,
        name_to_tool_map: dict[str, BaseTool],
        color_mapping: dict[str, str],
        agent_action: AgentAction,
        run_manager: AsyncCallbackManagerForChainRun | None = None,
    ) -> AgentStep:
        if not isinstance(agent_action, BuiltInAgentAction):
            return await super()._aperform_agent_action(name_to_tool_map, color_mapping, agent_action, run_manager)
        if run_manager:
            await run_manager.on_agent_action(agent_action, verbose=self.verbose, color="green")
        observation = await self._adapter(agent_action, name_to_tool_map).arun(
            {"agent_action": agent_action},
            verbose=self.verbose,
            color="red",
            callbacks=run_manager.get_child() if run_manager else None,
            **self._action_agent.tool_run_logging_kwargs(),
        )
        return AgentStep(action=agent_action, observation=observation)

    def _adapter(self, action: BuiltInAgentAction, named: dict[str, BaseTool]) -> BaseTool:
        """The adapter that the user gave, else one of our own."""
        if action.tool in named:
            return self._with_executor(named[action.tool])
        if isinstance(action, CodeInterpreterAgentAction):
            # Nobody said here which sandbox was bound; outputs say that the service has one.
            return CodeInterpreterAdapterAllTool(platform_params={"sandbox": "none"}, executor=self.code_executor)
        return TOOL_STRUCT_TYPE_TO_TOOL_CLASS[AdapterAllToolStructType(action.tool)]()

    def _with_executor(self, tool: BaseTool) -> BaseTool:
        if isinstance(tool, CodeInterpreterAdapterAllTool) and tool.executor is None:
            return tool.model_copy(update={"executor": self.code_executor})
        return tool

    @override
    def _consume_next_step(
        self, values: list[AgentFinish | AgentAction | AgentStep]
    ) -> AgentFinish | list[tuple[AgentAction, str]]:
        taken = super()._consume_next_step(values)
        if isinstance(taken, AgentFinish):
            return taken
        return finish_of(taken) or taken

    @override
    def _return(
        self, output: AgentFinish, intermediate_steps: list[Any], run_manager: CallbackManagerForChainRun | None = None
    ) -> dict[str, Any]:
        return super()._return(output, _with_last(intermediate_steps, output), run_manager)

    @override
    async def _areturn(
        self,
        output: AgentFinish,
        intermediate_steps: list[Any],
        run_manager: AsyncCallbackManagerForChainRun | None = None,
    ) -> dict[str, Any]:
        return await super()._areturn(output, _with_last(intermediate_steps, output), run_manager)


def _with_last(steps: list[Any], output: AgentFinish) -> list[Any]:
    # LangChain appends the steps of a turn only when that turn was not the end.
    return [*steps, *output._steps] if isinstance(output, BuiltInFinish) else steps  # noqa: SLF001 - ours


def finish_of(steps: Sequence[Step]) -> BuiltInFinish | None:
    """The end of a run where one message asked for built-in tools only, and nothing is left for the model to say."""
    actions = [action for action, _ in steps if isinstance(action, BuiltInAgentAction) and action.outputs]
    if not steps or len(actions) < len(steps):
        return None
    said, has_answered = _said_with(actions[0])
    shown = [text_of(given) for action, given in steps if not isinstance(action, CodeInterpreterAgentAction)]
    if len(shown) < len(steps) and not has_answered:
        return None
    text = "\n\n".join(filter(None, [said, *shown]))
    finish = BuiltInFinish(return_values={"output": text}, log=text)
    finish._steps = list(steps)  # noqa: SLF001 - ours
    return finish


def _said_with(action: BuiltInAgentAction) -> tuple[str, bool]:
    """What the message of an action said beside its calls, and whether that was its answer."""
    text = "".join(str(message.text) for message in action.message_log)
    ends = [message.response_metadata.get("finish_reason") for message in action.message_log]
    return text, bool(text) and ends[-1:] == ["stop"]
