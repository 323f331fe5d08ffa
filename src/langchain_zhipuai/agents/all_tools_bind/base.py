"""An agent as a chain: the steps so far as messages, the prompt, the model, and the parser of its answer."""

from __future__ import annotations

from typing import Any

from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.messages import BaseMessage
from langchain_core.prompts.chat import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough

from langchain_zhipuai.agents.format_scratchpad.all_tools import format_to_zhipuai_all_tool_messages
from langchain_zhipuai.agents.output_parsers import ZhipuAiALLToolsAgentOutputParser


def create_zhipuai_tools_agent(
    prompt: ChatPromptTemplate, llm_with_all_tools: Runnable[Any, BaseMessage]
) -> Runnable[dict[str, Any], list[AgentAction] | AgentFinish]:
    """The agent of a prompt and a model with its tools bound, for ZhipuAiAllToolsAgentExecutor.

    Raises ValueError where the prompt has no place for `agent_scratchpad`, the messages about what tools gave.
    """
    if "agent_scratchpad" not in {*prompt.input_variables, *prompt.optional_variables, *prompt.partial_variables}:
        raise ValueError(
            f"the prompt has no 'agent_scratchpad', only {sorted(prompt.input_variables)!r}; "
            "add MessagesPlaceholder('agent_scratchpad') behind the question, or the model never sees what tools gave"
        )
    told = RunnablePassthrough.assign(agent_scratchpad=_scratchpad)
    return told | prompt | llm_with_all_tools | ZhipuAiALLToolsAgentOutputParser()


def _scratchpad(inputs: dict[str, Any]) -> list[BaseMessage]:
    return format_to_zhipuai_all_tool_messages(inputs["intermediate_steps"])
