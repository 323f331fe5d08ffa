"""Messages of LangChain as the wire has them.

GLM knows the roles system, user, assistant and tool; what LangChain has beyond them is said in those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_zhipuai.chat_models.parts import content_of, said_of

REASONING: Final = "reasoning_content"
_ROLES: Final[Mapping[str, str]] = {"developer": "system", "human": "user", "ai": "assistant"}


def wire_messages(messages: Iterable[BaseMessage]) -> list[dict[str, Any]]:
    """The messages of a request. Raises ValueError for what the wire has no place for."""
    told: list[dict[str, Any]] = []
    called: dict[str, str] = {}
    for message in messages:
        wire = wire_message(message)
        if isinstance(message, FunctionMessage):
            wire["tool_call_id"] = called.get(message.name) or wire["tool_call_id"]
        # Of several calls of a function the first one is told in OpenAI's older words.
        called |= {call["function"]["name"]: call["id"] for call in reversed(wire.get("tool_calls", ()))}
        told.append(wire)
    return told


def wire_message(message: BaseMessage) -> dict[str, Any]:
    """One message. Raises ValueError for what the wire has no place for."""
    match message:
        case AIMessage():
            return _assistant(message)
        case ToolMessage():
            wire = {"role": "tool", "tool_call_id": message.tool_call_id}
        case FunctionMessage():
            wire = {"role": "tool", "tool_call_id": _call_id(message.name)}
        case HumanMessage():
            wire = {"role": "user"}
        case SystemMessage():
            wire = {"role": "system"}
        case ChatMessage():
            wire = {"role": _ROLES.get(message.role, message.role)}
        case _:
            raise ValueError(f"A message of type {message.type!r} has no place in GLM's chat.")
    named = {"name": message.name} if message.name else {}
    return wire | named | {"content": content_of(message.content)}


def _assistant(message: AIMessage) -> dict[str, Any]:
    """What the model said. Its thoughts go back with it: in a loop of tools it goes on with them (contract 3.1)."""
    text, thought = said_of(message.content)
    wire: dict[str, Any] = {"role": "assistant", "content": text}
    if message.name:
        wire["name"] = message.name
    if kept := message.additional_kwargs.get(REASONING) or thought:
        wire[REASONING] = kept
    if calls := _calls(message):
        wire["tool_calls"] = calls
    return wire


def _calls(message: AIMessage) -> list[dict[str, Any]]:
    calls = [_call(call["id"], call["name"], _arguments(call["args"])) for call in message.tool_calls]
    calls += [_call(call["id"], call["name"], call["args"] or "") for call in message.invalid_tool_calls]
    if not calls and (old := message.additional_kwargs.get("function_call")):
        calls = [_call(_call_id(old["name"]), old["name"], old["arguments"])]
    return calls


def _call(name: str | None, function: str | None, arguments: str) -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": function, "arguments": arguments}}


def _arguments(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)


def _call_id(function: str | None) -> str:
    """What ties a function message to its call where neither has an id: a name was called once at a time."""
    return f"call_{function}"
