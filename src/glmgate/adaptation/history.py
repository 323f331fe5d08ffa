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
from glmgate.wire.chat import ChatRequest, FunctionCall, Message, Part, ToolCall
from glmgate.wire.engine import Note

_DEEPEST: Final = 64
_THOUGHTS: Final = "messages.reasoning_content"
_OTHER_NAME: Final = "reasoning"
_BETWEEN_WORDS: Final = "\n"
_UNNAMED: Final = "tool"


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
    """Give every call of the history the one form that the deployment reads.

    Calls of tools that it does not have are told in words, with what came out.
    """
    # Looked at before anything is built: most messages have no calls.
    if all(message.tool_calls is None for message in request.messages):
        return Change(request)
    notes: dict[Note, None] = {}
    messages = [
        message if message.tool_calls is None else _regular(message, place, profile, notes)
        for place, message in enumerate(request.messages)
    ]
    return Change(msgspec.structs.replace(request, messages=messages), notes=tuple(notes))


def results(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Each result stands behind the call that it answers, where a service refuses others (contract 7.2).

    Clients that write their agent's calls as text send results of calls that nobody made.
    """
    if profile.turns.results == "anywhere" or all(message.role != "tool" for message in request.messages):
        return Change(request)
    messages: list[Message] = []
    added = False
    for message in request.messages:
        if message.role == "tool" and message.tool_call_id not in _open_ids(messages):
            message = _behind_a_call(message, messages)  # noqa: PLW2901  # the one that is sent in its place
            added = True
        messages.append(message)
    if not added:
        return Change(request)
    note = Note("messages.tool_calls", "added", exact=False)
    return Change(msgspec.structs.replace(request, messages=messages), notes=(note,))


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
    calls: list[ToolCall] = []
    said: list[str] = []
    for index, call in enumerate(message.tool_calls or ()):
        path = f"messages[{place}].tool_calls[{index}]"
        if call.type in profile.tools.native_types:
            calls.append(call)
        elif call.type is not None and call.type != "function":
            kind = call.type if call.type in profile.tools.known_types else "other"
            words = _in_words(kind, call)
            said += words
            notes[Note(f"messages.tool_calls.{kind}", "content" if words else "omitted", exact=False)] = None
        else:
            calls.append(_function_call(call, path, profile))
    return msgspec.structs.replace(message, tool_calls=calls or None, content=_with_words(message.content, said))


def _in_words(kind: str, call: ToolCall) -> list[str]:
    """What a tool of another service was given and what came out; nothing where the call does not say."""
    body = call.unknown.get(kind)
    return [f"{kind}: {msgspec.json.encode(body).decode()}"] if body and isinstance(body, dict) else []


def _with_words(content: str | list[Part] | None, said: list[str]) -> str | list[Part] | None:
    """A content that also tells which tools another service has run, and what came out."""
    if not said:
        return content
    if isinstance(content, list):
        return [*content, *(Part(type="text", text=text) for text in said)]
    return _BETWEEN_WORDS.join([*([content] if content else []), *said])


def _open_ids(messages: list[Message]) -> set[str | None]:
    """The ids of the calls that a result may answer which stands behind `messages`."""
    asked = _asked(messages)
    return set() if asked is None else {call.id for call in messages[asked].tool_calls or ()}


def _asked(messages: list[Message]) -> int | None:
    """The place of the assistant's message behind which only results stand; None where there is none."""
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].role != "tool":
            return place if messages[place].role == "assistant" else None
    return None


def _behind_a_call(result: Message, messages: list[Message]) -> Message:
    """`result` with its id; a call for it is put into `messages`. What it was called with, nobody knows."""
    given = result.tool_call_id or f"call_{len(messages)}"
    call = ToolCall(id=given, type="function", function=FunctionCall(name=result.name or _UNNAMED, arguments="{}"))
    if (asked := _asked(messages)) is None:
        messages.append(Message(role="assistant", content="", tool_calls=[call]))
    else:
        before = messages[asked]
        messages[asked] = msgspec.structs.replace(before, tool_calls=[*(before.tool_calls or ()), call])
    return msgspec.structs.replace(result, tool_call_id=given)


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
