"""How answers are written for each surface: chunks of a stream, and the plain body (contract 0.1, 0.2, 3.2, 3.3, S1).

Deltas and completions come in, bytes or dictionaries go out; no decision about the answer itself is taken here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.engine import Note, Surface
from glmgate.wire.fold import CompletedCall, CompletedChoice, Completion
from glmgate.wire.legacy_logprobs import legacy
from glmgate.wire.native_stream import NativeStream
from glmgate.wire.sse import DONE, event_bytes

_OPENAI_WORDS: dict[str, str] = {"sensitive": "content_filter", "model_context_window_exceeded": "length"}
"""Finish reasons that OpenAI's clients do not know, in words that they act upon (contract R3)."""


@dataclass(frozen=True, slots=True)
class Head:
    """What every piece of one answer repeats, and how the caller wants it written.

    `created` is in seconds since the epoch. `include_usage` is the caller's `stream_options.include_usage`.
    `legacy_call` writes tool calls as the older `function_call`. `text` writes a legacy text completion.
    """

    surface: Surface
    id: str
    created: int
    model: str
    include_usage: bool = False
    legacy_call: bool = False
    text: bool = False

    @property
    def usage_apart(self) -> bool:
        """Whether usage has a chunk of its own (contract S1): only on OpenAI's surface and only when asked for."""
        return self.surface == "openai" and self.include_usage

    def members(self, kind: str) -> dict[str, Any]:
        """The members that begin each chunk and each body."""
        members: dict[str, Any] = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        if self.surface == "zai":
            members["request_id"] = self.id
        return members


@dataclass(slots=True)
class ChunkWriter:
    """Writes the deltas of one stream. Usage stands in exactly one chunk, whatever the number of choices.

    Finish deltas are held back until every choice has ended, because only then usage is whole.
    """

    head: Head
    choices: int = 1
    _finished: dict[int, FinishReason] = field(default_factory=dict)
    _usage: dict[int, Usage] = field(default_factory=dict)
    _written: dict[int, int] = field(default_factory=dict)
    _extra: dict[str, Any] = field(default_factory=dict)
    _calls: dict[int, NativeStream] = field(default_factory=dict)

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The bytes for what one read brought; empty when there is nothing to say yet."""
        return b"".join(self._event(body) for delta in deltas for body in self._delta(delta))

    def finish(self, notes: Sequence[Note] = ()) -> bytes:
        """The bytes that end a stream which has ended well: finish chunks, usage, and `[DONE]`."""
        usage = usage_members(self.usage)
        bodies = [
            self._chunk(index, _finish_delta(self.head), self._finished[index]) for index in sorted(self._finished)
        ]
        if bodies:
            bodies[-1] |= self._extra
        if notes and bodies:
            bodies[-1]["glmgate"] = report(notes)
        if self.head.usage_apart:
            bodies.append(self.head.members(_chunk_kind(self.head)) | {"choices": [], "usage": usage})
        elif bodies:
            bodies[-1]["usage"] = usage
        return b"".join(self._event(body) for body in bodies) + DONE

    @property
    def usage(self) -> Usage:
        """The tokens of all choices up to here."""
        return sum(self._usage.values(), Usage())

    def _delta(self, delta: Delta) -> Iterable[dict[str, Any]]:
        if delta.usage is not None:
            self._usage[delta.choice] = delta.usage
        if delta.finish_reason is not None:
            self._finished[delta.choice] = delta.finish_reason
        first, *more = self._parts(delta)
        if first.content or first.reasoning or first.tool_calls or first.logprobs:
            body = self._chunk(first.choice, _delta_members(first, self.head), None, self._logprobs(first))
            yield body | first.extra if first.extra else body
        elif first.extra:
            self._extra |= first.extra
        for part in more:
            yield self._chunk(part.choice, _delta_members(part, self.head), None)

    def _parts(self, delta: Delta) -> list[Delta]:
        """The deltas of the chunks that one makes: each piece of a tool that the service runs has a chunk (0.4)."""
        calls = self._calls.get(delta.choice)
        if calls is None:
            if not delta.tool_calls:
                return [delta]
            calls = self._calls[delta.choice] = NativeStream()
        pieces = calls.feed(delta.tool_calls)
        if delta.finish_reason is not None:
            pieces += calls.close()
        if all(piece.native is None for piece in pieces):
            return [msgspec.structs.replace(delta, tool_calls=tuple(pieces)) if pieces else delta]
        first, *rest = pieces
        return [
            msgspec.structs.replace(delta, tool_calls=(first,)),
            *(Delta(choice=delta.choice, tool_calls=(piece,)) for piece in rest),
        ]

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        reason: FinishReason | None,
        logprobs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        word = finish_word(reason, self.head)
        choice: dict[str, Any] = {"index": index} | delta | {"finish_reason": word}
        if logprobs is not None:
            choice["logprobs"] = logprobs
        return self.head.members(_chunk_kind(self.head)) | {"choices": [choice]}

    def _logprobs(self, delta: Delta) -> dict[str, Any] | None:
        if not self.head.text:
            return delta.logprobs
        before = self._written.get(delta.choice, 0)
        self._written[delta.choice] = before + len(delta.content or "")
        return legacy(delta.logprobs, offset=before)

    @staticmethod
    def _event(body: dict[str, Any]) -> bytes:
        return event_bytes(msgspec.json.encode(body))


def plain(head: Head, completion: Completion, notes: Sequence[Note] = ()) -> bytes:
    """The whole answer as one body."""
    kind = "text_completion" if head.text else "chat.completion"
    body = head.members(kind)
    body["choices"] = [_choice(head, choice) for choice in completion.choices]
    body["usage"] = usage_members(completion.usage)
    body |= completion.extra or {}
    if notes:
        body["glmgate"] = report(notes)
    return msgspec.json.encode(body)


def usage_members(usage: Usage) -> dict[str, Any]:
    """Usage as both dialects write it, with both details (contract 3.2)."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def report(notes: Iterable[Note]) -> dict[str, Any]:
    """What was changed, for the member `glmgate` of a body or of the finish chunk."""
    return {"adaptations": [str(note) for note in notes]}


def finish_word(reason: FinishReason | None, head: Head) -> str | None:
    """The finish reason in the surface's words."""
    if reason is None or head.surface == "zai":
        return reason
    if reason == "tool_calls" and head.legacy_call:
        return "function_call"
    return _OPENAI_WORDS.get(reason, reason)


def _chunk_kind(head: Head) -> Literal["text_completion", "chat.completion.chunk"]:
    return "text_completion" if head.text else "chat.completion.chunk"


def _delta_members(delta: Delta, head: Head) -> dict[str, Any]:
    """The delta of one chunk: both text keys are always there (contract 0.1: the seed's own loop reads both).

    Where there is no text, `content` is null for OpenAI's clients and `""` for GLM's, as in a plain answer: GLM leaves
    it out, and LangChain's ChatZhipuAI, which reads an absent one as `""`, raises on null (measured).
    """
    if head.text:
        return {"text": delta.content or ""}
    members: dict[str, Any] = {
        "role": "assistant",
        "content": "" if delta.content is None and head.surface == "zai" else delta.content,
        "reasoning_content": delta.reasoning,
    }
    if delta.tool_calls and head.legacy_call and delta.tool_calls[0].native is None:
        members["function_call"] = _legacy_piece(delta.tool_calls)
    elif delta.tool_calls:
        members["tool_calls"] = [_call_piece(piece) for piece in delta.tool_calls]
    return {"delta": members}


def _finish_delta(head: Head) -> dict[str, Any]:
    if head.text:
        return {"text": ""}
    return {"delta": {"role": "assistant", "content": "", "reasoning_content": None}}


def _call_piece(piece: ToolCallDelta) -> dict[str, Any]:
    """A piece of a call; `index` always, `id`, `type` and name on the first piece only (contract 0.4)."""
    if piece.native is not None:
        return {"index": piece.index} | piece.native
    kind, text = _kind_of_call(custom=piece.custom)
    if piece.id is None:
        return {"index": piece.index, kind: {text: piece.arguments}}
    function = {"name": piece.name or "", text: piece.arguments}
    return {"index": piece.index, "id": piece.id, "type": kind, kind: function}


def _legacy_piece(pieces: Sequence[ToolCallDelta]) -> dict[str, Any]:
    """The older form knows one call, without an id (contract C7)."""
    name = next((piece.name for piece in pieces if piece.name), None)
    arguments = "".join(piece.arguments for piece in pieces)
    return {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}


def _choice(head: Head, choice: CompletedChoice) -> dict[str, Any]:
    body: dict[str, Any] = {"index": choice.index}
    if head.text:
        body["text"] = choice.content
    else:
        body["message"] = _message(head, choice)
    body["finish_reason"] = finish_word(choice.finish_reason, head)
    body["logprobs"] = legacy(choice.logprobs, offset=0) if head.text else choice.logprobs
    return body


def _message(head: Head, choice: CompletedChoice) -> dict[str, Any]:
    """A plain answer's message. With calls and no text, `content` is null for OpenAI's clients and `""` for GLM's."""
    empty = None if choice.calls and head.surface == "openai" else ""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.content or empty,
        "reasoning_content": choice.reasoning,
    }
    if choice.calls and head.legacy_call and choice.calls[0].native is None:
        call = choice.calls[0]
        message["function_call"] = {"name": call.name, "arguments": call.arguments}
    elif choice.calls:
        message["tool_calls"] = [_whole_call(index, call) for index, call in enumerate(choice.calls)]
    return message


def _whole_call(index: int, call: CompletedCall) -> dict[str, Any]:
    if call.native is not None:
        return {"index": index} | call.native
    kind, text = _kind_of_call(custom=call.custom)
    return {"id": call.id, "index": index, "type": kind, kind: {"name": call.name, text: call.arguments}}


def _kind_of_call(*, custom: bool) -> tuple[str, str]:
    """The type of a call, which is also the name of its object, and the name of its text (contract row C8)."""
    return ("custom", "input") if custom else ("function", "arguments")
