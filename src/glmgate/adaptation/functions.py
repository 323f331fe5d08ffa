"""Rule: legacy functions. They become tools, in the request and in the history, and come back as a function call.

The surface writes the call in its legacy form; here only the finish reason says it.
"""

from __future__ import annotations

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.schemas import SchemaCheck
from glmgate.adaptation.tools import regular
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest, FunctionName, Message, Tool, ToolCall, ToolChoice
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Note


class LegacyEnd(Piece):
    """Says `function_call` where a call ended the answer."""

    __slots__ = ()

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if delta.finish_reason != "tool_calls":
            return (delta,)
        return (msgspec.structs.replace(delta, finish_reason="function_call"),)


def functions(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`functions` and `function_call` as `tools` and `tool_choice`, one call at a time (contract row C7)."""
    if request.functions is None:
        if request.function_call is not None:
            raise InvalidRequest("'function_call' needs 'functions'.", param="function_call")
        return Change(request)
    if request.tools is not None:
        raise InvalidRequest("Send either 'tools' or the older 'functions', not both.", param="functions")
    schemas = SchemaCheck(profile.schemas) if profile.tools.checked else None
    tools = [
        Tool(type="function", function=regular(definition, f"functions[{place}]", schemas))
        for place, definition in enumerate(request.functions)
    ]
    fitted = msgspec.structs.replace(
        request,
        functions=None,
        function_call=None,
        tools=tools,
        tool_choice=_choice(request.function_call),
        parallel_tool_calls=False,
    )
    return Change(fitted, notes=(Note("functions", "tools"),), undo=LegacyEnd())


def legacy_history(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Legacy calls of the history, and their results, as tool calls."""
    if all(message.function_call is None and message.role != "function" for message in request.messages):
        return Change(request)
    messages = []
    called: dict[str, str] = {}
    for place, message in enumerate(request.messages):
        messages.append(_as_tool_message(message, f"call_{place}", called))
    return Change(
        msgspec.structs.replace(request, messages=messages), notes=(Note("messages.function_call", "tool_calls"),)
    )


def _as_tool_message(message: Message, call_id: str, called: dict[str, str]) -> Message:
    """`called` knows the last call of each function, so that a result finds the call that it belongs to."""
    if message.function_call is not None:
        if message.function_call.name:
            called[message.function_call.name] = call_id
        call = ToolCall(id=call_id, type="function", function=message.function_call)
        return msgspec.structs.replace(message, function_call=None, tool_calls=[*(message.tool_calls or ()), call])
    if message.role == "function" and message.tool_call_id is None:
        return msgspec.structs.replace(message, tool_call_id=called.get(message.name or "", call_id))
    return message


def _choice(function_call: str | FunctionName | None) -> str | ToolChoice | None:
    if isinstance(function_call, FunctionName):
        return ToolChoice(type="function", function=function_call)
    if function_call not in (None, "auto", "none"):
        raise InvalidRequest("'function_call' must be 'auto', 'none' or an object with a name.", param="function_call")
    return function_call
