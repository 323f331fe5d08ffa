"""Rules: the calls in the history. Arguments must be a JSON object, because templates take them apart.

The engine answers 500 to others (engine facts 3, behaviour 3).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.trees import deeper_than
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.chat import ChatRequest, FunctionCall, Message, ToolCall
from glmgate.wire.engine import Note

_DEEPEST: Final = 64


def history(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Give every call of the history the one form that the deployment reads."""
    if all(message.tool_calls is None for message in request.messages):
        return Change(request)
    notes: dict[Note, None] = {}
    messages = [_regular(message, place, profile, notes) for place, message in enumerate(request.messages)]
    return Change(msgspec.structs.replace(request, messages=messages), notes=tuple(notes))


def arguments_text(arguments: str | dict[str, Any] | None, path: str) -> str:
    """A call's arguments as the text of a JSON object. Raises InvalidRequest with `path` when they are none."""
    if isinstance(arguments, dict):
        document: Any = arguments
        text = None
    elif arguments is None or not arguments.strip():
        return "{}"
    else:
        text = arguments
        try:
            document = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
            raise InvalidRequest(f"{path!r} is not valid JSON: {_reason(exc)}.", param=path) from exc
    if not isinstance(document, dict):
        raise InvalidRequest(f"{path!r} must be a JSON object, as text.", param=path)
    if deeper_than(document, _DEEPEST):
        raise InvalidRequest(f"{path!r} is nested deeper than {_DEEPEST} levels.", param=path)
    return text if text is not None else msgspec.json.encode(document).decode()


def _regular(message: Message, place: int, profile: Profile, notes: dict[Note, None]) -> Message:
    if message.tool_calls is None:
        return message
    calls = []
    for index, call in enumerate(message.tool_calls):
        path = f"messages[{place}].tool_calls[{index}]"
        if call.type is not None and call.type != "function":
            kind = call.type if call.type in profile.tools.known_types else "other"
            notes[Note(f"messages.tool_calls.{kind}", "omitted", exact=False)] = None
        else:
            calls.append(_function_call(call, path))
    return msgspec.structs.replace(message, tool_calls=calls or None)


def _function_call(call: ToolCall, path: str) -> ToolCall:
    function = call.function
    if function is None or not function.name:
        raise MissingParameter(f"'{path}.function.name' is missing.", param=f"{path}.function.name")
    arguments = arguments_text(function.arguments, f"{path}.function.arguments")
    return ToolCall(id=call.id, type="function", function=FunctionCall(name=function.name, arguments=arguments))


def _reason(exc: Exception) -> str:
    return "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
