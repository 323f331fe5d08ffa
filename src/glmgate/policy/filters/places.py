"""Every text of a request, each with its place, to be read or to be changed; the form of the request stays.

What is done with the texts is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar, cast

import msgspec

from glmgate.policy.filters.leaves import leaves
from glmgate.wire.chat import ChatRequest, FunctionCall, FunctionDefinition, Message, Part, Tool, ToolCall
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import Members
from glmgate.wire.rerank import RerankDocument, RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

Request = ChatRequest | CompletionRequest | EmbeddingsRequest | RerankRequest | TokenizerRequest
R = TypeVar("R", bound=Request)
M = TypeVar("M", bound=Members)


class Visitor(Protocol):
    """Is shown each text, and gives what is to stand there. `place` is such as `messages[2]`."""

    def text(self, place: str, text: str) -> str:
        """A text for people and models."""
        ...

    def json(self, place: str, text: str) -> str:
        """A text that is JSON."""
        ...


def visited(request: R, visitor: Visitor) -> R:
    """The request as the visitor leaves it; the same object where nothing is changed."""
    if isinstance(request, ChatRequest):
        changed: Request = _changed(
            request,
            messages=_each(request.messages, "messages", visitor, _message),
            tools=_each(request.tools, "tools", visitor, _tool),
            functions=_each(request.functions, "functions", visitor, _definition),
        )
    elif isinstance(request, TokenizerRequest):
        changed = _changed(
            request,
            messages=_each(request.messages, "messages", visitor, _message),
            tools=_each(request.tools, "tools", visitor, _tool),
        )
    elif isinstance(request, CompletionRequest):
        changed = _changed(
            request,
            prompt=_inputs(request.prompt, "prompt", visitor),
            suffix=None if request.suffix is None else visitor.text("suffix", request.suffix),
        )
    elif isinstance(request, EmbeddingsRequest):
        changed = _changed(request, input=_inputs(request.input, "input", visitor))
    else:
        changed = _changed(
            request,
            query=visitor.text("query", request.query),
            documents=_each(request.documents, "documents", visitor, _document),
        )
    return cast("R", changed)


class Collected(Visitor):
    """Writes down what it is shown, and changes nothing."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def text(self, place: str, text: str) -> str:
        """As `Visitor` says."""
        if text:
            self.found.append((place, text))
        return text

    def json(self, place: str, text: str) -> str:
        """As `Visitor` says."""
        return self.text(place, text)


def _changed(value: M, **members: Any) -> M:  # noqa: ANN401 -- members of any type
    """`value` with these members, where one is another object than before."""
    new = {name: member for name, member in members.items() if member is not getattr(value, name)}
    return msgspec.structs.replace(value, **new) if new else value


T = TypeVar("T")


def _each(values: list[T] | None, name: str, visitor: Visitor, one: Callable[[T, str, Visitor], T]) -> list[T] | None:
    if values is None:
        return None
    after = [one(value, f"{name}[{place}]", visitor) for place, value in enumerate(values)]
    return values if all(new is old for new, old in zip(after, values, strict=True)) else after


def _inputs(value: Any, name: str, visitor: Visitor) -> Any:  # noqa: ANN401 -- a text, or a list of texts and token ids
    if isinstance(value, str):
        return visitor.text(name, value)
    return _each(value, name, visitor, _input) if isinstance(value, list) else value


def _input(value: Any, place: str, visitor: Visitor) -> Any:  # noqa: ANN401 -- a text, or token ids
    return visitor.text(place, value) if isinstance(value, str) else value


def _document(value: str | RerankDocument, place: str, visitor: Visitor) -> str | RerankDocument:
    if isinstance(value, str):
        return visitor.text(place, value)
    return _changed(value, text=visitor.text(place, value.text), unknown=_unknown(value, place, visitor))


def _message(message: Message, place: str, visitor: Visitor) -> Message:
    content = message.content
    if isinstance(content, str):
        after: str | list[Part] | None = visitor.text(place, content)
    else:
        after = _within(content, place, visitor, _part)
    return _changed(
        message,
        content=after,
        reasoning_content=_text(message.reasoning_content, place, visitor),
        tool_calls=_within(message.tool_calls, place, visitor, _tool_call),
        function_call=None if message.function_call is None else _call(message.function_call, place, visitor),
        unknown=_unknown(message, place, visitor),
    )


def _within(
    values: list[T] | None, place: str, visitor: Visitor, one: Callable[[T, str, Visitor], T]
) -> list[T] | None:
    """What stands in a message has the message's place: that is what people count."""
    if values is None:
        return None
    after = [one(value, place, visitor) for value in values]
    return values if all(new is old for new, old in zip(after, values, strict=True)) else after


def _part(part: Part, place: str, visitor: Visitor) -> Part:
    return _changed(part, text=_text(part.text, place, visitor), unknown=_unknown(part, place, visitor))


def _tool_call(call: ToolCall, place: str, visitor: Visitor) -> ToolCall:
    function = None if call.function is None else _call(call.function, place, visitor)
    return _changed(call, function=function, unknown=_unknown(call, place, visitor))


def _call(call: FunctionCall, place: str, visitor: Visitor) -> FunctionCall:
    if isinstance(call.arguments, str):
        return _changed(call, arguments=visitor.json(place, call.arguments))
    return _changed(call, arguments=leaves(call.arguments, lambda text: visitor.text(place, text)))


def _tool(tool: Tool, place: str, visitor: Visitor) -> Tool:
    return tool if tool.function is None else _changed(tool, function=_definition(tool.function, place, visitor))


def _definition(definition: FunctionDefinition, place: str, visitor: Visitor) -> FunctionDefinition:
    return _changed(definition, description=_text(definition.description, place, visitor))


def _text(text: str | None, place: str, visitor: Visitor) -> str | None:
    return None if text is None else visitor.text(place, text)


def _unknown(value: Members, place: str, visitor: Visitor) -> dict[str, Any]:
    if not value.unknown:
        return value.unknown
    return leaves(value.unknown, lambda text: visitor.text(place, text))


def characters(request: Request) -> Iterator[int]:
    """How long each of its texts is."""
    collected = Collected()
    visited(request, collected)
    return (len(text) for _, text in collected.found)
