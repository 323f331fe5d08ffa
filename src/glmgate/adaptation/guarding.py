"""Rules: every text of a caller that goes to a model with special tokens is guarded, and the answer is unguarded.

How a text is guarded lives in `guard`.
"""

from __future__ import annotations

import operator
from typing import Any, Final, TypeVar

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.guard import JOINER, Guard, GuardStream, guard_of
from glmgate.adaptation.profile import Profile
from glmgate.wire.chat import (
    ChatRequest,
    FunctionCall,
    FunctionDefinition,
    Message,
    Part,
    ResponseFormat,
    Tool,
    ToolCall,
)
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Note

_TEXTS: Final = ("content", "name", "tool_call_id", "reasoning_content")

P = TypeVar("P", CompletionRequest, EmbeddingsRequest)


def guard_chat(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Guard messages, tools and schemas; the answer may echo any of them."""
    if not profile.guarded:
        return Change(request)
    guard = guard_of(profile.guarded)
    change = guard_messages(request, profile)
    fitted, notes = change.request, change.notes
    if fitted.response_format is not None:
        form = _format(fitted.response_format, guard)
        if form is not fitted.response_format:
            fitted = msgspec.structs.replace(fitted, response_format=form)
            notes += (Note("response_format", "guarded"),)
    return Change(fitted, notes=notes, undo=Unguard(guard))


def guard_messages(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Guard messages and tools."""
    if not profile.guarded:
        return Change(request)
    guard = guard_of(profile.guarded)
    changes: dict[str, Any] = {}
    if guard.may_stand_in(_texts(request.messages)):
        messages = [_message(message, guard) for message in request.messages]
        if any(map(operator.is_not, messages, request.messages)):
            changes["messages"] = messages
    if request.tools is not None:
        tools = [_tool(tool, guard) for tool in request.tools]
        if any(map(operator.is_not, tools, request.tools)):
            changes["tools"] = tools
    if not changes:
        return Change(request)
    return Change(msgspec.structs.replace(request, **changes), notes=tuple(Note(name, "guarded") for name in changes))


def guard_prompt(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """Guard a completion's prompt; the answer may echo it."""
    if not profile.guarded or not isinstance(request.prompt, str):
        return Change(request)
    guard = guard_of(profile.guarded)
    prompt = guard.put_in(request.prompt)
    notes = (Note("prompt", "guarded"),) if prompt != request.prompt else ()
    return Change(msgspec.structs.replace(request, prompt=prompt), notes=notes, undo=Unguard(guard))


def guard_inputs(request: EmbeddingsRequest, profile: Profile) -> Change[EmbeddingsRequest]:
    """Guard the texts that are embedded."""
    guard = guard_of(profile.guarded)
    inputs = [guard.put_in(text) if isinstance(text, str) else text for text in request.input]
    if inputs == request.input:
        return Change(request)
    return Change(msgspec.structs.replace(request, input=inputs), notes=(Note("input", "guarded"),))


class Unguard(Piece):
    """Takes the joiners out of text, reasoning and calls. What is held of one goes out when the next begins."""

    __slots__ = ("_arguments", "_content", "_guard", "_reasoning")

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard
        self._content = GuardStream(guard)
        self._reasoning = GuardStream(guard)
        self._arguments: dict[int, GuardStream] = {}

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        over = delta.finish_reason is not None
        calls_begin = over or bool(delta.tool_calls)
        reasoning = _through(self._reasoning, delta.reasoning, flush=calls_begin or bool(delta.content))
        content = _through(self._content, delta.content, flush=calls_begin)
        calls = self._calls(delta.tool_calls, flush=over) if calls_begin else ()
        if (content, reasoning, calls) == (delta.content or "", delta.reasoning or "", delta.tool_calls):
            return (delta,)
        logprobs = _without_joiners(delta.logprobs)
        after = msgspec.structs.replace(
            delta, content=content or None, reasoning=reasoning or None, tool_calls=calls, logprobs=logprobs
        )
        return (after,) if after != Delta(choice=delta.choice) else ()

    @override
    def close(self) -> tuple[Delta, ...]:
        after = Delta(
            content=self._content.flush() or None,
            reasoning=self._reasoning.flush() or None,
            tool_calls=self._rest_of_calls(),
        )
        return (after,) if after != Delta() else ()

    def _calls(self, pieces: tuple[ToolCallDelta, ...], *, flush: bool) -> tuple[ToolCallDelta, ...]:
        calls = tuple(after for piece in pieces for after in self._call(piece))
        return calls + self._rest_of_calls() if flush else calls

    def _call(self, piece: ToolCallDelta) -> tuple[ToolCallDelta, ...]:
        before: tuple[ToolCallDelta, ...] = ()
        if piece.index not in self._arguments:
            before = self._rest_of_calls()
            self._arguments[piece.index] = GuardStream(self._guard)
        arguments = self._arguments[piece.index].feed(piece.arguments) if piece.arguments else ""
        name = None if piece.name is None else self._guard.take_out(piece.name)
        if name is None and piece.id is None and not arguments and piece.arguments:
            return before
        if arguments == piece.arguments and name == piece.name:
            return (*before, piece)
        return (*before, ToolCallDelta(index=piece.index, id=piece.id, name=name, arguments=arguments))

    def _rest_of_calls(self) -> tuple[ToolCallDelta, ...]:
        rests = [(index, stream.flush()) for index, stream in self._arguments.items()]
        return tuple(ToolCallDelta(index=index, arguments=rest) for index, rest in rests if rest)


def _through(stream: GuardStream, text: str | None, *, flush: bool) -> str:
    after = stream.feed(text) if text else ""
    return after + stream.flush() if flush else after


def _texts(messages: list[Message]) -> list[str]:
    """All that `_message` looks at: looked through at once, because in most conversations there is nothing to guard."""
    found: list[object] = []
    for message in messages:
        found += (message.content, message.name, message.tool_call_id, message.reasoning_content)
        if isinstance(message.content, list):
            found += [part.text for part in message.content]
        for call in message.tool_calls or ():
            found.append(call.id)
            if call.function is not None:
                found += (call.function.name, call.function.arguments)
    return [text for text in found if isinstance(text, str)]


def _message(message: Message, guard: Guard) -> Message:
    """`message` guarded; the same object when there was nothing to guard, as in most."""
    changes: dict[str, Any] = {}
    for name in _TEXTS:
        text = getattr(message, name)
        guarded = guard.put_in(text) if isinstance(text, str) else text
        if guarded is not text:
            changes[name] = guarded
    if isinstance(message.content, list):
        parts = [_part(part, guard) for part in message.content]
        if any(map(operator.is_not, parts, message.content)):
            changes["content"] = parts
    if (calls := message.tool_calls) is not None:
        changes |= _changed_calls(calls, guard)
    return msgspec.structs.replace(message, **changes) if changes else message


def _changed_calls(calls: list[ToolCall], guard: Guard) -> dict[str, Any]:
    guarded = [_tool_call(call, guard) for call in calls]
    return {"tool_calls": guarded} if any(map(operator.is_not, guarded, calls)) else {}


def _part(part: Part, guard: Guard) -> Part:
    text = _text(part.text, guard)
    return part if text is part.text else msgspec.structs.replace(part, text=text)


def _tool_call(call: ToolCall, guard: Guard) -> ToolCall:
    function = call.function
    if function is not None:
        arguments = _arguments(function.arguments, guard) if isinstance(function.arguments, str) else function.arguments
        name = _text(function.name, guard)
        if name is not function.name or arguments is not function.arguments:
            function = FunctionCall(name=name, arguments=arguments)
    call_id = _text(call.id, guard)
    if call_id is call.id and function is call.function:
        return call
    return msgspec.structs.replace(call, id=call_id, function=function)


def _arguments(text: str, guard: Guard) -> str:
    """Templates take the JSON apart, so what it says is guarded, not how it is written: `<` has escapes too."""
    if "\\" not in text and guard.put_in(text) == text:
        return text
    document = msgspec.json.decode(text)
    guarded = guard.put_in_all(document)
    return text if guarded == document else msgspec.json.encode(guarded).decode()


def _tool(tool: Tool, guard: Guard) -> Tool:
    if tool.function is None or _is_clean(tool.function, guard):
        return tool
    function = FunctionDefinition(
        name=guard.put_in(tool.function.name),
        description=_text(tool.function.description, guard),
        parameters=guard.put_in_all(tool.function.parameters),
    )
    return Tool(type=tool.type, function=function)


def _is_clean(function: FunctionDefinition, guard: Guard) -> bool:
    texts = (function.name, function.description)
    return all(_text(text, guard) is text for text in texts) and guard.leaves(function.parameters)


def _format(form: ResponseFormat, guard: Guard) -> ResponseFormat:
    if form.json_schema is None:
        return form
    schema = guard.put_in_all(form.json_schema.schema_)
    if schema == form.json_schema.schema_:
        return form
    return msgspec.structs.replace(form, json_schema=msgspec.structs.replace(form.json_schema, schema_=schema))


def _text(text: str | None, guard: Guard) -> str | None:
    return None if text is None else guard.put_in(text)


def _without_joiners(logprobs: dict[str, Any] | None) -> dict[str, Any] | None:
    """Log probabilities of a piece whose joiners were taken out: tokens that are nothing but joiners go with them."""
    entries = logprobs.get("content") if logprobs else None
    if not isinstance(entries, list):
        return logprobs
    kept = [entry for entry in entries if not (isinstance(entry, dict) and entry.get("token") == JOINER)]
    return logprobs if len(kept) == len(entries) else {**(logprobs or {}), "content": kept}
