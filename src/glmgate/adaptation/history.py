"""Rules: the calls and the thoughts in the history, in the one form that the deployment reads.

Where templates take arguments apart, they must be a JSON object: our engine answers 500 to others (engine facts 3,
behaviour 3).
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
_THOUGHTS: Final = "messages.reasoning_content"
_OTHER_NAME: Final = "reasoning"


def thoughts(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`reasoning`, as some servers call it, is `reasoning_content` (distributed facts 2); before unknown members go."""
    if not any(message.unknown for message in request.messages):
        return Change(request)
    messages = [_with_thoughts(message) if message.unknown else message for message in request.messages]
    if messages == request.messages:
        return Change(request)
    return Change(
        msgspec.structs.replace(request, messages=messages), notes=(Note("messages.reasoning", "reasoning_content"),)
    )


def thoughts_there(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Earlier thoughts under the name that the service reads; another name would be dropped in silence."""
    name = profile.thinking.history
    if name == "reasoning_content" or all(message.reasoning_content is None for message in request.messages):
        return Change(request)
    messages = [_with_thoughts_in(name, message) for message in request.messages]
    note = Note(_THOUGHTS, "omitted", exact=False) if name == "none" else Note(_THOUGHTS, name)
    return Change(msgspec.structs.replace(request, messages=messages), notes=(note,))


def history(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Give every call of the history the one form that the deployment reads."""
    # Looked at before anything is built: most messages have no calls.
    if all(message.tool_calls is None for message in request.messages):
        return Change(request)
    notes: dict[Note, None] = {}
    messages = [
        message if message.tool_calls is None else _regular(message, place, profile, notes)
        for place, message in enumerate(request.messages)
    ]
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
    # Its marks are counted first: most arguments have too few of them to be deep at all.
    if (text is None or text.count("{") + text.count("[") > _DEEPEST) and deeper_than(document, _DEEPEST):
        raise InvalidRequest(f"{path!r} is nested deeper than {_DEEPEST} levels.", param=path)
    return text if text is not None else msgspec.json.encode(document).decode()


def _regular(message: Message, place: int, profile: Profile, notes: dict[Note, None]) -> Message:
    calls = []
    for index, call in enumerate(message.tool_calls or ()):
        path = f"messages[{place}].tool_calls[{index}]"
        if call.type in profile.tools.native_types:
            calls.append(call)
        elif call.type is not None and call.type != "function":
            kind = call.type if call.type in profile.tools.known_types else "other"
            notes[Note(f"messages.tool_calls.{kind}", "omitted", exact=False)] = None
        else:
            calls.append(_function_call(call, path, profile))
    return msgspec.structs.replace(message, tool_calls=calls or None)


def _function_call(call: ToolCall, path: str, profile: Profile) -> ToolCall:
    function = call.function
    if function is None or not function.name:
        raise MissingParameter(f"'{path}.function.name' is missing.", param=f"{path}.function.name")
    if profile.tools.checked or not isinstance(function.arguments, str) or not function.arguments:
        arguments = arguments_text(function.arguments, f"{path}.function.arguments")
        if arguments != function.arguments:
            function = FunctionCall(name=function.name, arguments=arguments, unknown=function.unknown)
    # The place of a call in its message says what its place in the list says; some servers refuse it.
    if function is call.function and call.type is not None and call.index is None:
        return call
    return ToolCall(id=call.id, type="function", function=function, unknown=call.unknown)


def _with_thoughts(message: Message) -> Message:
    said = message.unknown.get(_OTHER_NAME)
    if message.role != "assistant" or not isinstance(said, str) or message.reasoning_content not in (None, said):
        return message
    unknown = {name: item for name, item in message.unknown.items() if name != _OTHER_NAME}
    return msgspec.structs.replace(message, reasoning_content=said, unknown=unknown)


def _with_thoughts_in(name: str, message: Message) -> Message:
    if message.reasoning_content is None:
        return message
    unknown = message.unknown if name == "none" else {**message.unknown, name: message.reasoning_content}
    return msgspec.structs.replace(message, reasoning_content=None, unknown=unknown)


def _reason(exc: Exception) -> str:
    return "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
