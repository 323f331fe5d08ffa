"""How large a request is, before anybody has counted its tokens: the text that there is to read, and what may come.

What bytes are worth in tokens is `estimates`'. Images count as a fixed number of bytes: their base64 says nothing.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from glmgate.policy.attempts import size_of
from glmgate.wire.chat import ChatRequest, Message, Part
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Generation

_AROUND_MESSAGE: Final = 32  # `{"role":"user","content":""},` and what a chat template makes of it
_IMAGE: Final = 4096  # about a thousand tokens, as vision models of the family take for a picture of usual size
_TOKEN_ID: Final = 4  # a prompt in token ids: each is a token already


class Size(msgspec.Struct, frozen=True, gc=False):
    """`max_tokens` is what the request allows for one answer; None where it says nothing, 0 where no text comes.

    `answers` is how many answers are asked for, each with the whole prompt.
    """

    prompt_bytes: int
    max_tokens: int | None = None
    answers: int = 1


def measured(request: Generation | EmbeddingsRequest) -> Size:
    """The size of a request. It walks over its texts and copies none."""
    if isinstance(request, EmbeddingsRequest):
        return Size(_texts(request.input), max_tokens=0)
    if isinstance(request, CompletionRequest):
        return _of_completion(request)
    most = request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
    return Size(_of_chat(request), _allowed(most), max(1, request.n or 1))


def _of_chat(request: ChatRequest) -> int:
    size = sum(_message(message) for message in request.messages)
    if request.tools:
        size += len(msgspec.json.encode(request.tools))
    if request.functions:
        size += len(msgspec.json.encode(request.functions))
    if request.response_format is not None and request.response_format.json_schema is not None:
        size += len(msgspec.json.encode(request.response_format.json_schema))
    return size


def _of_completion(request: CompletionRequest) -> Size:
    prompt = request.prompt or ""
    several = isinstance(prompt, list) and bool(prompt) and all(isinstance(text, str) for text in prompt)
    prompts = len(prompt) if several else 1
    answers = max(1, request.n or 1, request.best_of or 1)
    # Each answer has one of the prompts.
    return Size(_AROUND_MESSAGE + _texts(prompt) // prompts, _allowed(request.max_tokens), prompts * answers)


def _allowed(tokens: int | None) -> int | None:
    return None if tokens is None else max(0, tokens)


def _message(message: Message) -> int:
    content = message.content
    size = _AROUND_MESSAGE
    if isinstance(content, str):
        size += size_of(content)
    elif content is not None:
        size += sum(_part(part) for part in content)
    if message.reasoning_content:
        size += size_of(message.reasoning_content)
    for call in message.tool_calls or ():
        function = call.function
        if function is not None:
            size += _AROUND_MESSAGE + size_of(function.name or "") + _arguments(function.arguments)
    return size


def _part(part: Part) -> int:
    if part.text is not None:
        return size_of(part.text)
    if part.image_url is not None:
        return _IMAGE
    return min(_IMAGE, len(msgspec.json.encode(part.unknown)))


def _arguments(arguments: str | dict[str, Any] | None) -> int:
    if arguments is None:
        return 0
    return size_of(arguments) if isinstance(arguments, str) else len(msgspec.json.encode(arguments))


def _texts(given: str | list[str | int | list[int]]) -> int:
    if isinstance(given, str):
        return size_of(given)
    return sum(
        size_of(each) if isinstance(each, str) else _TOKEN_ID * (1 if isinstance(each, int) else len(each))
        for each in given
    )
