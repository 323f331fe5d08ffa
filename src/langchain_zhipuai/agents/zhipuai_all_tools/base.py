"""An agent with a memory: its runs are streams of what happens, and what was said is kept for the next one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from langchain_classic.agents import AgentExecutor
from langchain_core.agents import AgentAction
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import convert_to_messages
from langchain_core.runnables import Runnable, RunnableConfig, RunnableSerializable
from langchain_core.tools import BaseTool
from langchain_core.tools import tool as tool_of
from pydantic import ConfigDict, Field
from typing_extensions import override

from langchain_zhipuai import hub
from langchain_zhipuai.agent_toolkits import CodeExecutor
from langchain_zhipuai.agent_toolkits.all_tools.registry import TOOL_STRUCT_TYPE_TO_TOOL_CLASS
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agent_toolkits.all_tools.tool import AdapterAllTool
from langchain_zhipuai.agents.all_tools_agent import ZhipuAiAllToolsAgentExecutor
from langchain_zhipuai.agents.all_tools_bind.base import create_zhipuai_tools_agent
from langchain_zhipuai.agents.output_parsers import ZhipuAiALLToolsAgentOutputParser
from langchain_zhipuai.agents.zhipuai_all_tools.schema import (
    AllToolsAction,
    AllToolsActionToolEnd,
    AllToolsActionToolStart,
    AllToolsFinish,
    AllToolsLLMStatus,
)
from langchain_zhipuai.callbacks.agent_callback_handler import AgentExecutorAsyncIteratorCallbackHandler, AgentStatus
from langchain_zhipuai.chat_models import ChatZhipuAI
from langchain_zhipuai.chat_models.tools import OWN_TOOLS, wire_tool
from langchain_zhipuai.utils import History

__all__ = [
    "AllToolsAction",
    "AllToolsActionToolEnd",
    "AllToolsActionToolStart",
    "AllToolsFinish",
    "AllToolsLLMStatus",
    "OutputType",
    "ZhipuAIAllToolsRunnable",
]

OutputType = AllToolsAction | AllToolsActionToolStart | AllToolsActionToolEnd | AllToolsFinish | AllToolsLLMStatus
AnyTool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
BUILT_IN: Final = frozenset(AdapterAllToolStructType)


def _is_assistants_builtin_tool(tool: object) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") in BUILT_IN


def _get_assistants_tool(tool: AnyTool) -> dict[str, Any]:
    """A tool as the API takes it: GLM's own ones as they are, functions and classes by their schema."""
    return wire_tool(tool)


class ZhipuAIAllToolsRunnable(RunnableSerializable[dict[str, Any], Any]):
    """An agent, its history and what it did. Made by `create_agent_executor`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    agent_executor: AgentExecutor
    model_name: str = "glm-4-alltools"
    llm: ChatZhipuAI | None = Field(default=None, exclude=True)
    """The model that was made for this agent."""
    callback: AgentExecutorAsyncIteratorCallbackHandler = Field(
        default_factory=AgentExecutorAsyncIteratorCallbackHandler
    )
    """The events of the last run."""
    intermediate_steps: list[tuple[AgentAction, Any]] = Field(default_factory=list)
    """What the tools of all runs were asked and gave. The model reads those of its own run."""
    history: list[Any] = Field(default_factory=list)
    """What was said, in the forms that `History.from_data` takes. The model reads all of it."""

    @staticmethod
    def paser_all_tools(tool: Mapping[str, Any], code_executor: CodeExecutor | None = None) -> AdapterAllTool:
        """The adapter of a built-in tool, as it is bound. Raises ValueError for other tools."""
        if not _is_assistants_builtin_tool(tool):
            raise ValueError(f"{tool.get('type')!r} is no built-in tool; there are {', '.join(sorted(BUILT_IN))}")
        kind = AdapterAllToolStructType(tool["type"])
        members: dict[str, Any] = {"platform_params": dict(tool.get(kind) or {})}
        if kind is AdapterAllToolStructType.CODE_INTERPRETER:
            members["executor"] = code_executor
        return TOOL_STRUCT_TYPE_TO_TOOL_CLASS[kind](**members)

    @classmethod
    def create_agent_executor(
        cls,
        model_name: str,
        *,
        intermediate_steps: Sequence[tuple[AgentAction, Any]] = (),
        history: Sequence[Any] = (),
        tools: Sequence[AnyTool] = (),
        temperature: float = 0.7,
        code_executor: CodeExecutor | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> ZhipuAIAllToolsRunnable:
        """An agent of a model and tools. `kwargs` are ChatZhipuAI's.

        Tools are functions, LangChain's tools, and the built-in ones as dicts. `code_executor` runs the code of a
        code interpreter that was bound with `sandbox: "none"`; nothing does without one.
        """
        llm = ChatZhipuAI(model=model_name, temperature=temperature, streaming=True, **kwargs)
        executor = ZhipuAiAllToolsAgentExecutor(
            agent=_agent(llm, tools),
            tools=[_runnable_tool(tool, code_executor) for tool in tools if not _is_out_of_sight(tool)],
            code_executor=code_executor,
            return_intermediate_steps=True,
            verbose=verbose,
        )
        return cls(
            model_name=model_name,
            agent_executor=executor,
            intermediate_steps=list(intermediate_steps),
            history=list(history),
            llm=llm,
        )

    @override
    def invoke(  # type: ignore[override] # the name and the result are the original's
        self, chat_input: str, config: RunnableConfig | None = None
    ) -> AsyncIterator[OutputType]:
        """Ask; what happens until the answer is there. A failure is told with status `error`, and then raised.

        Leaving the iterator early ends the run, which then is in no history.
        """
        return self._run(chat_input, config)

    async def aclose(self) -> None:
        """Close the model's connections; the next run opens new ones."""
        if self.llm is not None:
            await self.llm.aclose()

    async def _run(self, question: str, config: RunnableConfig | None) -> AsyncIterator[OutputType]:
        self.callback = callback = AgentExecutorAsyncIteratorCallbackHandler()
        said = convert_to_messages([History.from_data(line).to_msg_tuple() for line in self.history])
        inputs = {"input": question, "chat_history": said}
        task = asyncio.create_task(self.agent_executor.ainvoke(inputs, _with_callback(config, callback)))
        task.add_done_callback(lambda _: callback.done.set())
        try:
            async with aclosing(callback.aiter()) as events:
                async for event in events:
                    yield status_of(json.loads(event))
            result = await task
        finally:
            task.cancel()
            await asyncio.wait({task})
            failed = None if task.cancelled() else task.exception()  # looked at, or asyncio complains that nobody did
            del failed
        self.history += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": str(result["output"])},
        ]
        self.intermediate_steps += result["intermediate_steps"]


def _agent(llm: ChatZhipuAI, tools: Sequence[AnyTool]) -> Runnable[Any, Any]:
    if not tools:
        # Without tools nothing is called, so nothing is told of steps.
        return hub.pull(hub.CHAT) | llm | ZhipuAiALLToolsAgentOutputParser()
    bound = llm.bind(tools=[_get_assistants_tool(tool) for tool in tools])
    return create_zhipuai_tools_agent(prompt=hub.pull(hub.AGENT), llm_with_all_tools=bound)


def _is_out_of_sight(tool: AnyTool) -> bool:
    """Whether the service runs a tool without a word of it on the stream, such as web_search."""
    return isinstance(tool, Mapping) and tool.get("type") in OWN_TOOLS - BUILT_IN


def _runnable_tool(tool: AnyTool, code_executor: CodeExecutor | None) -> BaseTool:
    if isinstance(tool, BaseTool):
        return tool
    if isinstance(tool, Mapping) and _is_assistants_builtin_tool(tool):
        return ZhipuAIAllToolsRunnable.paser_all_tools(tool, code_executor)
    if callable(tool) and not isinstance(tool, type):
        return tool_of(tool)
    raise TypeError(f"{tool!r} cannot be run; give a function, a tool of LangChain's, or a built-in tool as a dict")


def _with_callback(config: RunnableConfig | None, callback: BaseCallbackHandler) -> RunnableConfig:
    """The config with one more callback."""
    whole = config.copy() if config else RunnableConfig()
    theirs = whole.get("callbacks") or []
    if isinstance(theirs, list):
        whole["callbacks"] = [*theirs, callback]
    else:
        manager = theirs.copy()
        manager.add_handler(callback)
        whole["callbacks"] = manager
    return whole


def status_of(event: Mapping[str, Any]) -> OutputType:
    """An event of the callback handler as a value."""
    status = AgentStatus(event["status"])
    common = {"run_id": event["run_id"], "status": status.value}
    match status:
        case AgentStatus.agent_action:
            return AllToolsAction(**common, **event["action"])
        case AgentStatus.agent_finish:
            return AllToolsFinish(**common, **event["finish"])
        case AgentStatus.tool_start:
            return AllToolsActionToolStart(**common, tool=event["tool"], tool_input=event["tool_input"])
        case AgentStatus.tool_end:
            return AllToolsActionToolEnd(**common, tool=event["tool"], tool_output=event["tool_output"])
        case AgentStatus.chain_end:
            return AllToolsLLMStatus(**common, text=str(event["outputs"].get("output", "")))
        case _:
            return AllToolsLLMStatus(**common, text=event.get("text", ""))
