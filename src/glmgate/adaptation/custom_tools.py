"""Rule: custom tools. Where a service has only functions, one is a function of one text, in request and history.

On the answer its calls become calls of a custom tool again (contract row C8).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.trees import Json
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.chat import (
    ChatRequest,
    FunctionCall,
    FunctionDefinition,
    FunctionName,
    Message,
    Tool,
    ToolCall,
    ToolChoice,
)
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.engine import Note

_CUSTOM: Final = "custom"
_INPUT: Final = "input"
_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {_INPUT: {"type": "string"}},
    "required": [_INPUT],
    "additionalProperties": False,
}


def custom_tools(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Custom tools as functions, wherever a request may speak of them."""
    if _CUSTOM in profile.tools.native_types or profile.tools.enforced_by != "repair":
        return Change(request)
    offered = [tool for tool in request.tools or () if tool.type == _CUSTOM]
    if not offered and not _is_in_history(request):
        return Change(request)
    fitted = msgspec.structs.replace(
        request,
        tools=_functions(request.tools),
        tool_choice=_choice(request.tool_choice),
        messages=_messages(request.messages),
    )
    names = frozenset(_name(tool.unknown, "tools") for tool in offered)
    return Change(fitted, notes=_notes(offered), undo=CustomCalls(names) if names else None)


def _notes(offered: list[Tool]) -> tuple[Note, ...]:
    if not offered:
        return (Note("messages.tool_calls.custom", "function"),)
    mapped = Note("tools.custom", "function")
    if any(_has_grammar(tool) for tool in offered):
        return (mapped, Note("tools.custom.format", "omitted", exact=False))
    return (mapped,)


class CustomCalls(Piece):
    """Calls of the functions `names` as calls of custom tools; each leaves when it is whole, because it is JSON."""

    __slots__ = ("_held", "_names")

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self._names = names
        self._held: dict[int, list[ToolCallDelta]] = {}

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if not delta.tool_calls and not (delta.finish_reason and self._held):
            return (delta,)
        pieces = [after for piece in delta.tool_calls for after in self._piece(piece)]
        if delta.finish_reason is not None:
            pieces += self._released()
        after = msgspec.structs.replace(delta, tool_calls=tuple(pieces))
        return (after,) if after != Delta(choice=delta.choice) else ()

    @override
    def close(self) -> tuple[Delta, ...]:
        pieces = self._released()
        return (Delta(tool_calls=tuple(pieces)),) if pieces else ()

    def _piece(self, piece: ToolCallDelta) -> list[ToolCallDelta]:
        if piece.native is not None:
            return [piece]
        if piece.index in self._held:
            self._held[piece.index].append(piece)
            return []
        before = self._released()
        if piece.name in self._names:
            self._held[piece.index] = [piece]
            return before
        return [*before, piece]

    def _released(self) -> list[ToolCallDelta]:
        held, self._held = self._held, {}
        return [_unmapped(pieces) for pieces in held.values()]


def _unmapped(pieces: list[ToolCallDelta]) -> ToolCallDelta:
    text = "".join(piece.arguments for piece in pieces)
    try:
        arguments = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        arguments = None
    given = arguments.get(_INPUT) if isinstance(arguments, dict) else None
    # What is not of the form asked for is text all the same, which is what a custom tool takes.
    return msgspec.structs.replace(pieces[0], arguments=given if isinstance(given, str) else text, custom=True)


def _functions(tools: list[Tool] | None) -> list[Tool] | None:
    return None if tools is None else [_function(tool, f"tools[{place}]") for place, tool in enumerate(tools)]


def _function(tool: Tool, path: str) -> Tool:
    if tool.type != _CUSTOM:
        return tool
    name = _name(tool.unknown, path)
    described = tool.unknown[_CUSTOM].get("description")
    description = described if isinstance(described, str) else ""
    function = FunctionDefinition(name=name, description=description, parameters=_PARAMETERS)
    return Tool(type="function", function=function)


def _has_grammar(tool: Tool) -> bool:
    custom = tool.unknown.get(_CUSTOM)
    form = custom.get("format") if isinstance(custom, dict) else None
    return form is not None and not (isinstance(form, dict) and form.get("type") == "text")


def _choice(choice: str | ToolChoice | None) -> str | ToolChoice | None:
    if not isinstance(choice, ToolChoice):
        return choice
    if choice.type == _CUSTOM:
        name = _name(choice.unknown, "tool_choice")
        return ToolChoice(type="function", function=FunctionName(name=name))
    allowed = choice.unknown.get("allowed_tools")
    if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
        return choice
    renamed = {**allowed, "tools": [_allowed(tool) for tool in allowed["tools"]]}
    return msgspec.structs.replace(choice, unknown={**choice.unknown, "allowed_tools": renamed})


def _allowed(tool: Json) -> Json:
    if not isinstance(tool, dict) or tool.get("type") != _CUSTOM:
        return tool
    return {"type": "function", "function": tool.get(_CUSTOM)}


def _is_in_history(request: ChatRequest) -> bool:
    return any(call.type == _CUSTOM for message in request.messages for call in message.tool_calls or ())


def _messages(messages: list[Message]) -> list[Message]:
    return [_message(message, f"messages[{place}]") for place, message in enumerate(messages)]


def _message(message: Message, path: str) -> Message:
    if not any(call.type == _CUSTOM for call in message.tool_calls or ()):
        return message
    calls = [_call(call, f"{path}.tool_calls[{place}]") for place, call in enumerate(message.tool_calls or ())]
    return msgspec.structs.replace(message, tool_calls=calls)


def _call(call: ToolCall, path: str) -> ToolCall:
    if call.type != _CUSTOM:
        return call
    name = _name(call.unknown, path)
    given = call.unknown[_CUSTOM].get(_INPUT)
    function = FunctionCall(name=name, arguments={_INPUT: given if isinstance(given, str) else ""})
    return ToolCall(id=call.id, type="function", function=function)


def _name(members: dict[str, Any], path: str) -> str:
    custom = members.get(_CUSTOM)
    if not isinstance(custom, dict) or "name" not in custom:
        raise MissingParameter(f"'{path}.custom.name' is missing.", param=f"{path}.custom.name")
    name = custom["name"]
    if not isinstance(name, str):
        raise InvalidRequest(f"'{path}.custom.name' must be a string.", param=f"{path}.custom.name")
    return name
