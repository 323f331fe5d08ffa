"""How services write what their model says: whole bodies and chunks, as they were recorded.

The records are in contract 3.2 and 3.3 and in section 2 of the distributed facts; what is said is decided in `answers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from tests.services.answers import (
    CACHED_TOKENS,
    PROMPT_TOKENS,
    Said,
    ScriptedAny,
    ScriptedTool,
    fragments,
)

Kind = Literal["role", "reasoning", "text", "call", "finish", "usage"]
CREATED: Final = 1_773_349_506


@dataclass(frozen=True, slots=True)
class Frame:
    """One chunk of a stream, and what it brings."""

    kind: Kind
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What the request decides about the writing."""

    id: str
    model: str
    choices: int = 1
    include_usage: bool = False
    pieces_of_calls: bool = False
    logprobs: bool = False


class Shape(Protocol):
    """A family's way of writing."""

    def whole(self, said: Said, head: Head) -> dict[str, Any]:
        """The body of a plain answer."""
        ...

    def frames(self, said: Said, head: Head) -> Iterator[Frame]:
        """The chunks of a streamed one, in order."""
        ...


class GlmShape:
    """Z.AI and BigModel: either text or reasoning in a delta, usage always and reason only on the last chunk.

    Each call is whole in one chunk, unless `tool_stream` is set.
    """

    def whole(self, said: Said, head: Head) -> dict[str, Any]:
        """id is request_id; with calls, content is "" and not null."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(said.text)}
        if said.reasoning:
            message["reasoning_content"] = "".join(said.reasoning)
        if said.calls:
            message["tool_calls"] = [self._call(index, call) for index, call in enumerate(said.calls)]
        choice = {"index": 0, "finish_reason": said.finish, "message": message}
        members = {"id": head.id, "request_id": head.id, "created": CREATED, "model": head.model}
        return members | {"object": "chat.completion", "choices": [choice], "usage": usage_of(said)}

    def frames(self, said: Said, head: Head) -> Iterator[Frame]:
        """As recorded: the role on every text."""
        for piece in said.reasoning:
            yield self._frame("reasoning", head, {"role": "assistant", "reasoning_content": piece})
        before, after = _around_the_text(said)
        for index, call in before:
            yield from self._call_frames(index, call, head)
        for piece in said.text:
            yield self._frame("text", head, {"role": "assistant", "content": piece})
        for index, call in after:
            yield from self._call_frames(index, call, head)
        last = self._frame("finish", head, {"role": "assistant", "content": ""})
        last.body["choices"][0]["finish_reason"] = said.finish
        last.body["usage"] = usage_of(said)
        yield last

    def _call_frames(self, index: int, call: ScriptedAny, head: Head) -> Iterator[Frame]:
        if isinstance(call, ScriptedTool):
            for members in call.pieces(index):
                yield self._frame("call", head, {"role": "assistant", "content": "", "tool_calls": [members]})
            return
        whole = self._call(index, call)
        if not head.pieces_of_calls:
            yield self._frame("call", head, {"tool_calls": [whole]})
            return
        begun = whole | {"function": {"name": call.name, "arguments": ""}}
        yield self._frame("call", head, {"tool_calls": [begun]})
        for piece in fragments(call.text):
            again = whole | {"function": {"arguments": piece}}  # ids are repeated on each piece (peers 2.2, framing)
            yield self._frame("call", head, {"tool_calls": [again]})

    @staticmethod
    def _call(index: int, call: ScriptedAny) -> dict[str, Any]:
        if isinstance(call, ScriptedTool):
            return {"index": index} | call.members(index)
        function = {"name": call.name, "arguments": call.text}
        return {"id": f"call_-7807{index}", "index": index, "type": "function", "function": function}

    @staticmethod
    def _frame(kind: Kind, head: Head, delta: dict[str, Any]) -> Frame:
        members = {"id": head.id, "created": CREATED, "object": "chat.completion.chunk", "model": head.model}
        return Frame(kind, members | {"choices": [{"index": 0, "delta": delta}]})


@dataclass(frozen=True, slots=True)
class OpenAiShape:
    """OpenAI and those that follow it. What differs between them is in the members.

    `reasoning`: what the reasoning is called ("": it is never shown). `first_arguments`: whether the first piece of a
    call has them (vLLM's has not). `whole_calls`: each call in one chunk. `extra`: on every choice.
    """

    reasoning: str = "reasoning_content"
    first_arguments: bool = True
    whole_calls: bool = False
    details: bool = True
    null_usage: bool = False
    bare_end: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    def whole(self, said: Said, head: Head) -> dict[str, Any]:
        """Content is null where there is none."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(said.text) or None}
        if self.reasoning:
            message[self.reasoning] = "".join(said.reasoning) or None
        if said.calls:
            message["tool_calls"] = [self._call(index, call) for index, call in enumerate(said.calls)]
        choices = [
            {
                "index": index,
                "message": message,
                "logprobs": logprobs_of(said.text) if head.logprobs else None,
                "finish_reason": said.finish,
            }
            | self.extra
            for index in range(head.choices)
        ]
        members = {"id": head.id, "object": "chat.completion", "created": CREATED, "model": head.model}
        return members | {"choices": choices, "usage": self._usage(said, head)}

    def frames(self, said: Said, head: Head) -> Iterator[Frame]:
        """Choices one after the other; then usage, where it was asked for."""
        for choice in range(head.choices):
            yield self._frame("role", head, choice, {"role": "assistant", "content": ""})
            yield from self._said(said, head, choice)
            last = self._frame("finish", head, choice, {} if self.bare_end else {"content": ""})
            last.body["choices"][0]["finish_reason"] = said.finish
            yield last
        if head.include_usage:
            members = {"id": head.id, "object": "chat.completion.chunk", "created": CREATED, "model": head.model}
            yield Frame("usage", members | {"choices": [], "usage": self._usage(said, head)})

    def _said(self, said: Said, head: Head, choice: int) -> Iterator[Frame]:
        for piece in said.reasoning if self.reasoning else ():
            yield self._frame("reasoning", head, choice, {self.reasoning: piece})
        before, after = _around_the_text(said)
        for index, call in before:
            yield from self._call_frames(index, call, head, choice)
        for piece in said.text:
            frame = self._frame("text", head, choice, {"content": piece})
            if head.logprobs:
                frame.body["choices"][0]["logprobs"] = logprobs_of((piece,))
            yield frame
        for index, call in after:
            yield from self._call_frames(index, call, head, choice)

    @staticmethod
    def _call(index: int, call: ScriptedAny) -> dict[str, Any]:
        if isinstance(call, ScriptedTool):
            return call.members(index)
        function = {"name": call.name, "arguments": call.text}
        return {"id": f"chatcmpl-tool-{index}", "type": "function", "function": function}

    def _call_frames(self, index: int, call: ScriptedAny, head: Head, choice: int) -> Iterator[Frame]:
        if isinstance(call, ScriptedTool):
            for members in call.pieces(index):
                yield self._frame("call", head, choice, {"tool_calls": [members]})
            return
        function = {"name": call.name}
        if self.whole_calls:
            function["arguments"] = call.text
        elif self.first_arguments:
            function["arguments"] = ""
        begun = {"index": index, "id": f"chatcmpl-tool-{index}", "type": "function", "function": function}
        yield self._frame("call", head, choice, {"tool_calls": [begun]})
        for piece in () if self.whole_calls else fragments(call.text):
            again = {"index": index, "function": {"arguments": piece}}
            yield self._frame("call", head, choice, {"tool_calls": [again]})

    def _frame(self, kind: Kind, head: Head, index: int, delta: dict[str, Any]) -> Frame:
        members = {"id": head.id, "object": "chat.completion.chunk", "created": CREATED, "model": head.model}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None} | self.extra
        usage = {"usage": None} if self.null_usage and head.include_usage else {}
        return Frame(kind, members | {"choices": [choice]} | usage)

    def _usage(self, said: Said, head: Head) -> dict[str, Any]:
        usage = usage_of(said, choices=head.choices)
        if not self.details:
            usage["prompt_tokens_details"] = None
        return usage


def bundled(frames: list[Frame]) -> list[Frame]:
    """The same chunks, the last piece on the chunk that ends the answer."""
    end = next(place for place, frame in enumerate(frames) if frame.kind == "finish")
    last, finish = frames[end - 1], frames[end]
    finish.body["choices"][0]["delta"] |= last.body["choices"][0]["delta"]
    return [*frames[: end - 1], *frames[end:]]


def text_whole(said: Said, head: Head) -> dict[str, Any]:
    """A plain text completion."""
    choices = [
        {"index": index, "text": "".join(said.text), "logprobs": None, "finish_reason": said.finish}
        for index in range(head.choices)
    ]
    members = {"id": head.id, "object": "text_completion", "created": CREATED, "model": head.model}
    return members | {"choices": choices, "usage": usage_of(said, choices=head.choices)}


def text_frames(said: Said, head: Head) -> Iterator[Frame]:
    """A streamed one."""
    members = {"id": head.id, "object": "text_completion", "created": CREATED, "model": head.model}
    for piece in said.text:
        choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": None}
        yield Frame("text", members | {"choices": [choice]})
    end = {"index": 0, "text": "", "logprobs": None, "finish_reason": said.finish}
    yield Frame("finish", members | {"choices": [end]})
    if head.include_usage:
        yield Frame("usage", members | {"choices": [], "usage": usage_of(said)})


def usage_of(said: Said, *, choices: int = 1) -> dict[str, Any]:
    """What an answer cost, with both details."""
    completion = said.tokens * choices
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": completion,
        "total_tokens": PROMPT_TOKENS + completion,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        "completion_tokens_details": {"reasoning_tokens": len(said.reasoning) * choices},
    }


def logprobs_of(tokens: tuple[str, ...]) -> dict[str, Any]:
    """OpenAI's object for some tokens."""
    return {
        "content": [
            {"token": token, "logprob": -0.25, "bytes": list(token.encode()), "top_logprobs": []} for token in tokens
        ]
    }


def _around_the_text(said: Said) -> tuple[list[tuple[int, ScriptedAny]], list[tuple[int, ScriptedAny]]]:
    """The calls with their places: what the service ran before it spoke, and what it asks for when it has spoken."""
    calls = list(enumerate(said.calls))
    ran: list[tuple[int, ScriptedAny]] = [
        (place, call) for place, call in calls if isinstance(call, ScriptedTool) and call.outputs
    ]
    return ran, [each for each in calls if each not in ran]
