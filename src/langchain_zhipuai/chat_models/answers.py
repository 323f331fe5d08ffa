"""Answers of the wire as messages of LangChain: a whole body, or a stream of chunks (contract 3.2, 3.3).

Nothing of an answer is dropped: what LangChain has no word for is in `additional_kwargs` where the message had it, and
in `response_metadata` where the body had it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call

from langchain_zhipuai.chat_models.all_tools_message import (
    ALL_TOOLS,
    ALL_TOOLS_MODELS,
    ALLToolsMessageChunk,
    BuiltInPiece,
    is_built_in,
    piece_of,
)

PROVIDER: Final = "zhipuai"
_MESSAGE: Final = frozenset({"role", "content", "tool_calls"})
_BODY: Final = frozenset({"choices", "usage", "model", "object"})

Wire = Mapping[str, Any]


def whole_messages(body: Wire, *, legacy: bool = False) -> list[AIMessage]:
    """A message for each choice. `legacy`: the request had `functions`, so a call is shown as `function_call` too."""
    return [_whole(body, choice, legacy=legacy) for choice in body.get("choices") or ()]


def _whole(body: Wire, choice: Wire, *, legacy: bool) -> AIMessage:
    said = choice.get("message") or {}
    wire = said.get("tool_calls") or ()
    functions = _functions(wire)
    kept = _given(said, _MESSAGE)
    if pieces := _pieces(wire):
        kept[ALL_TOOLS] = pieces
    if legacy and functions:
        kept["function_call"] = dict(functions[0]["function"])
    calls, invalid = _parsed(functions)
    return AIMessage(
        content=said.get("content") or "",
        additional_kwargs=kept,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage_of(body.get("usage")),
        response_metadata=_metadata(body, choice, body.get("usage")),
        id=body.get("id"),
    )


def _functions(calls: Iterable[Wire]) -> list[Wire]:
    return [call for call in calls if not is_built_in(call)]


def _pieces(calls: Iterable[Wire]) -> list[BuiltInPiece]:
    """The calls of built-in tools, and the places of functions behind them."""
    pieces: list[BuiltInPiece] = []
    for place, call in enumerate(calls):
        if pieces or is_built_in(call):
            pieces.append(piece_of(call, place))
    return pieces


def usage_of(usage: Wire | None) -> UsageMetadata | None:
    """LangChain's words for what an answer cost; None where nothing was said of it."""
    if not usage:
        return None
    spent = int(usage.get("prompt_tokens") or 0)
    written = int(usage.get("completion_tokens") or 0)
    told = UsageMetadata(
        input_tokens=spent, output_tokens=written, total_tokens=int(usage.get("total_tokens") or spent + written)
    )
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    if cached is not None:
        told["input_token_details"] = InputTokenDetails(cache_read=cached)
    if thought is not None:
        told["output_token_details"] = OutputTokenDetails(reasoning=thought)
    return told


@dataclass(slots=True)
class _Begun:
    """A function call whose beginning was seen."""

    place: int
    index: int | str | None
    id: str | None
    name: str | None


@dataclass(slots=True)
class StreamReader:
    """The chunks of a stream, one after the other, as chunks of LangChain.

    What is said once of an answer - its usage, its reason to end, its model - is held back to `last`, so that it is
    counted once, wherever the wire has it.
    """

    model: str
    legacy: bool = False
    _body: dict[str, Any] = field(default_factory=dict)
    _choice: dict[str, Any] = field(default_factory=dict)
    _usage: Wire | None = None
    _calls: list[_Begun] = field(default_factory=list)
    _pieces: int = 0
    _seen: bool = False

    def read(self, chunk: Wire) -> AIMessageChunk | None:
        """What a chunk of the wire brings to the message; None where it only brings what is held back."""
        self._seen = True
        self._usage = chunk.get("usage") or self._usage
        self._keep(chunk)
        message: AIMessageChunk | None = None
        for choice in chunk.get("choices") or ():
            self._choice |= _given(choice, frozenset({"delta", "index"}))
            message = self._message(choice.get("delta") or {})
        return message

    def last(self) -> AIMessageChunk:
        """The chunk that ends the stream, with all that was held back. Raises ValueError where there was no stream."""
        if not self._seen:
            raise ValueError("The service sent no stream of chunks; base_url may be a wrong address, such as a page's.")
        return self._chunk(
            content="",
            usage_metadata=usage_of(self._usage),
            response_metadata=_metadata(self._body, self._choice, self._usage),
            chunk_position="last",
        )

    def _keep(self, chunk: Wire) -> None:
        """Lists of a body, such as what a search found, may come in parts; of anything else the last word counts."""
        for name, value in chunk.items():
            if isinstance(value, list) and name != "choices":
                known = self._body.setdefault(name, [])
                known += [each for each in value if each not in known]
            elif value is not None:
                self._body[name] = value

    def _message(self, delta: Wire) -> AIMessageChunk | None:
        kept = _given(delta, _MESSAGE)
        wire = delta.get("tool_calls") or ()
        chunks = [self._called(call) for call in _functions(wire)]
        if pieces := list(filter(None, map(self._piece, wire))):
            kept[ALL_TOOLS] = pieces
        kept |= self._function_call(chunks)
        content = delta.get("content") or ""
        if not (content or kept or chunks):
            return None
        return self._chunk(content=content, additional_kwargs=kept, tool_call_chunks=chunks)

    def _function_call(self, chunks: list[ToolCallChunk]) -> dict[str, Any]:
        """The first call in OpenAI's older words, where the request was in them."""
        first = next((chunk for chunk in chunks if self.legacy and chunk["index"] == 0), None)
        return {} if first is None else {"function_call": {"name": first["name"] or "", "arguments": first["args"]}}

    def _piece(self, call: Wire) -> BuiltInPiece | None:
        """A piece of a built-in tool's call, or the place of a function that begins behind one."""
        if not is_built_in(call):
            begins = self._pieces and (call.get("function") or {}).get("name")
            return piece_of(call, self._pieces + len(self._calls) - 1) if begins else None
        self._pieces += 1
        return piece_of(call, self._pieces + len(self._calls) - 1)

    def _called(self, call: Wire) -> ToolCallChunk:
        """A piece of a call, with an index of our own: some services leave theirs out or use one for all calls."""
        function = call.get("function") or {}
        begun = self._find(call.get("id") or None, call.get("index"))
        name = None
        if begun.name is None and function.get("name"):
            name = begun.name = function["name"]
        arguments = function.get("arguments") or ""
        return ToolCallChunk(name=name, args=arguments, id=begun.id, index=begun.place, type="tool_call_chunk")

    def _find(self, name: str | None, index: int | str | None) -> _Begun:
        for begun in reversed(self._calls):
            if (name is not None and begun.id == name) or (begun.index == index and None in {name, begun.id}):
                begun.id = begun.id or name
                return begun
        begun = _Begun(len(self._calls), index, name, None)
        self._calls.append(begun)
        return begun

    def _chunk(self, **members: Any) -> AIMessageChunk:
        kind = ALLToolsMessageChunk if self.model.lower() in ALL_TOOLS_MODELS else AIMessageChunk
        metadata = {"model_provider": PROVIDER} | members.pop("response_metadata", {})
        return kind(id=self._body.get("id"), response_metadata=metadata, **members)


def _parsed(calls: Iterable[Wire]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in calls:
        made = _call(call)
        if made["type"] == "tool_call":
            good.append(made)
        else:
            bad.append(made)
    return good, bad


def _call(call: Wire) -> ToolCall | InvalidToolCall:
    """A call of a function; one whose arguments are no JSON object is kept as an invalid one."""
    function = call.get("function") or {}
    call = {**call, "function": {"name": function.get("name"), "arguments": function.get("arguments") or "{}"}}
    try:
        parsed = parse_tool_call(dict(call))
    except OutputParserException as wrong:
        return make_invalid_tool_call(dict(call), str(wrong))
    if parsed is None or not isinstance(parsed["args"], dict):
        return make_invalid_tool_call(dict(call), "The arguments are no JSON object.")
    return ToolCall(name=parsed["name"], args=parsed["args"], id=parsed["id"], type="tool_call")


def _metadata(body: Wire, choice: Wire, usage: Wire | None) -> dict[str, Any]:
    told = {"model_provider": PROVIDER, "model_name": body.get("model"), **_given(body, _BODY)}
    told |= _given(choice, frozenset({"message", "index"}))
    return told | ({"token_usage": dict(usage)} if usage else {})


def _given(members: Wire, besides: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in besides and value is not None}
