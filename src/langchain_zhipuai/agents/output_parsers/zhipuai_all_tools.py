"""A message's calls as actions, in the order in which they stand in it: functions' and built-in tools' alike."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Final

from langchain_classic.agents.agent import MultiActionAgentOutputParser
from langchain_classic.agents.output_parsers.tools import ToolAgentAction
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, Generation
from typing_extensions import override

from langchain_zhipuai.actions import (
    BuiltInAgentAction,
    CodeInterpreterAgentAction,
    DrawingToolAgentAction,
    WebBrowserAgentAction,
)
from langchain_zhipuai.chat_models.all_tools_message import (
    ALL_TOOLS,
    BuiltInCall,
    built_in_calls,
    folded,
    is_built_in,
)

ZhipuAiALLToolAgentAction = ToolAgentAction
"""The action of a function, under its old name."""

ACTIONS: Final[Mapping[str, type[BuiltInAgentAction]]] = {
    "code_interpreter": CodeInterpreterAgentAction,
    "drawing_tool": DrawingToolAgentAction,
    "web_browser": WebBrowserAgentAction,
}


class ZhipuAiALLToolsAgentOutputParser(MultiActionAgentOutputParser):
    """Makes actions of a message with calls, and the finish of one without."""

    @property
    def _type(self) -> str:
        return "zhipuai-all-tools-agent-output-parser"

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> list[AgentAction] | AgentFinish:
        first = result[0]
        if not isinstance(first, ChatGeneration):
            raise TypeError(f"this parser reads messages of a chat model, not a {type(first).__name__}")
        return parse_ai_message_to_zhipuai_all_tool_action(first.message)

    @override
    def parse(self, text: str) -> list[AgentAction] | AgentFinish:
        raise TypeError("this parser reads messages of a chat model, not a text")


def parse_ai_message_to_zhipuai_all_tool_action(message: BaseMessage) -> list[AgentAction] | AgentFinish:
    """The actions of a message, or its finish. Raises OutputParserException where a call's arguments are no object."""
    if not isinstance(message, AIMessage):
        raise TypeError(f"this parser reads an AIMessage, not a {type(message).__name__}")
    _refuse_broken(message)
    given: set[str] = set()
    actions: list[AgentAction] = []
    for call in calls_in_order(message):
        if isinstance(call, BuiltInCall):
            actions.append(_built_in(call, message, _unused(call.id, given)))
        else:
            actions.append(_function(call, message, _unused(call["id"], given)))
    text = str(message.text)
    return actions or AgentFinish(return_values={"output": text}, log=text)


def calls_in_order(message: AIMessage) -> Iterator[ToolCall | BuiltInCall]:
    """All calls of a message. Among the pieces of built-in ones those functions have a mark that come behind one."""
    pieces = message.additional_kwargs.get(ALL_TOOLS) or ()
    marks = [len(list(folded(pieces[:place]))) for place, piece in enumerate(pieces) if not is_built_in(piece)]
    before = [0] * (len(message.tool_calls) - len(marks)) + marks
    functions = list(zip(before, message.tool_calls, strict=False))
    for place, call in enumerate([*built_in_calls(message), None]):
        yield from (each for count, each in functions if count == place)
        if call is not None:
            yield call


def _refuse_broken(message: AIMessage) -> None:
    for name, arguments in _broken(message):
        told = f"the arguments of {name!r} are no JSON object: {arguments!r}"
        raise OutputParserException(
            told, observation=f"{told}; call it again", llm_output=str(message.text), send_to_llm=True
        )


def _broken(message: AIMessage) -> Iterator[tuple[str | None, str | None]]:
    """Calls whose arguments cannot be read. LangChain completes those of a stream that ended too early by guessing."""
    for call in message.invalid_tool_calls:
        yield call["name"], call["args"]
    if isinstance(message, AIMessageChunk):
        for piece in message.tool_call_chunks:
            if piece["args"] and not _is_object(piece["args"]):
                yield piece["name"], piece["args"]


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _unused(key: str | None, given: set[str]) -> str:
    """The call's own id where it has one that no other has: results are matched by it."""
    if not key or key in given:
        key = f"call_{uuid.uuid4().hex[:24]}"
    given.add(key)
    return key


def _function(call: ToolCall, message: AIMessage, key: str) -> ToolAgentAction:
    # A tool without a schema has its one argument under this name, as LangChain writes it.
    given = call["args"].get("__arg1", call["args"])
    said = f"{message.text}\n" if message.text else ""
    return ToolAgentAction(
        tool=call["name"],
        tool_input=given,
        log=f"{said}\nCalling {call['name']!r} with {given!r}\n",
        message_log=[message],
        tool_call_id=key,
    )


def _built_in(call: BuiltInCall, message: AIMessage, key: str) -> BuiltInAgentAction:
    said = f"{message.text}\n" if message.text else ""
    return ACTIONS[call.type](
        tool=call.type,
        tool_input=call.input,
        outputs=call.outputs,
        log=f"{said}\nCalling {call.type!r} with:\n{call.input}\n",
        message_log=[message],
        tool_call_id=key,
    )
