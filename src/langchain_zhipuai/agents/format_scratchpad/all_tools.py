"""Steps as messages: an assistant's with its calls, then one of role `tool` for each, matched by id.

Calls of built-in tools are written as calls of functions of their names, with the one argument `input`: on the wire
back to the service there is no form for them that every service takes (contract 3.4, 7.2), and this one every chat API
takes. Only calls that were answered are written, since services refuse the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_classic.agents.output_parsers.tools import ToolAgentAction
from langchain_core.agents import AgentAction
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agent_toolkits.all_tools.output import BaseToolOutput
from langchain_zhipuai.chat_models.all_tools_message import ALL_TOOLS

Step = tuple[AgentAction, Any]


def format_to_zhipuai_all_tool_messages(intermediate_steps: Sequence[Step]) -> list[BaseMessage]:
    """The messages of all steps; each observation is in one of them."""
    return [message for group in _groups(intermediate_steps) for message in _messages(group)]


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps that one message of the model asked for, together."""
    group: list[Step] = []
    for action, observation in steps:
        if group and not _goes_on(group, action):
            yield group
            group = []
        group.append((action, observation))
    if group:
        yield group


def _goes_on(group: list[Step], action: AgentAction) -> bool:
    first = group[0][0]
    if not isinstance(first, ToolAgentAction) or not isinstance(action, ToolAgentAction):
        return False
    answered = {step.tool_call_id for step, _ in group if isinstance(step, ToolAgentAction)}
    return bool(action.message_log) and action.message_log == first.message_log and action.tool_call_id not in answered


def _messages(group: list[Step]) -> Iterator[BaseMessage]:
    calls = [(action, observation) for action, observation in group if isinstance(action, ToolAgentAction)]
    if calls:
        first = calls[0][0]
        yield from first.message_log[:-1]
        yield _asking(first.message_log[-1] if first.message_log else AIMessage(""), [action for action, _ in calls])
        for call, given in calls:
            yield ToolMessage(text_of(given), tool_call_id=_id(call), name=call.tool)
        return
    for action, observation in group:
        yield AIMessage(action.log)
        yield HumanMessage(text_of(observation))


def _asking(message: BaseMessage, actions: list[ToolAgentAction]) -> AIMessage:
    kept = {name: value for name, value in message.additional_kwargs.items() if name not in {ALL_TOOLS, "tool_calls"}}
    return AIMessage(
        content=message.content,
        additional_kwargs=kept,
        response_metadata=message.response_metadata,
        id=message.id,
        tool_calls=[ToolCall(name=action.tool, args=_arguments(action), id=_id(action)) for action in actions],
    )


def _id(action: ToolAgentAction) -> str:
    return action.tool_call_id or f"call_{action.tool}"


def _arguments(action: ToolAgentAction) -> dict[str, Any]:
    if isinstance(action.tool_input, dict):
        return action.tool_input
    return {"input" if isinstance(action, BuiltInAgentAction) else "__arg1": action.tool_input}


def text_of(observation: Any) -> str:
    """What the model reads of an observation: a text as it is, an output's own text, anything else as JSON."""
    if isinstance(observation, str | BaseToolOutput):
        return str(observation)
    try:
        return json.dumps(observation, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(observation)
