"""What is sent to the child: our requests with the members that we always set.

How a caller's request is fitted to the engine is decided by `adaptation`; here nothing of it is changed.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Generation
from glmgate.wire.members import plain
from glmgate.wire.tokenizer import TokenizerRequest

# Members of ours and of the surfaces that mean nothing to the child.
_OURS: Final = ("glmgate", "model", "request_id", "user", "user_id")

_FORCED: Final[dict[str, Any]] = {
    # Only a stream is left at once when the caller goes (engine facts 3, "Cancel"), and only its chunks are counted.
    "stream": True,
    "stream_options": {"include_usage": True},
    "timings_per_token": True,
    "cache_prompt": True,
    # A chunk for each micro-batch of the prompt: only when the child writes does it notice that its caller has gone,
    # and do we notice that it still works (measured: without this a prompt is read to its end for nobody).
    "return_progress": True,
    # Several choices are several requests: the child counts the tokens of one only (measured).
    "n": 1,
}


def path(request: Generation) -> str:
    """Where the child takes the request."""
    return "/v1/chat/completions" if isinstance(request, ChatRequest) else "/v1/completions"


def generation(request: Generation) -> bytes:
    """The body for a request whose answer is text."""
    members = _ours_removed(plain(request)) | _FORCED
    if isinstance(request, ChatRequest):
        if request.logprobs:
            # Without a number the child gives 20 alternatives, with 0 no logprobs at all (measured).
            members["top_logprobs"] = max(1, request.top_logprobs or 0)
    elif request.logprobs is not None:
        members["logprobs"] = max(1, request.logprobs)
    return msgspec.json.encode(members)


def top_logprobs(request: Generation) -> int:
    """How many alternatives the caller gets to see."""
    return (request.top_logprobs if isinstance(request, ChatRequest) else request.logprobs) or 0


def prompt(request: Generation | TokenizerRequest) -> bytes:
    """The body that asks for the rendered prompt."""
    return msgspec.json.encode(_ours_removed(plain(request)))


def tokenize(text: str, *, plain: bool = False) -> bytes:
    """The body that asks for the tokens of a rendered prompt, read as the child reads it when it generates.

    `plain`: of a text in which nothing is special.
    """
    return msgspec.json.encode({"content": text, "add_special": not plain, "parse_special": not plain})


def embeddings(texts: list[str | list[int]]) -> bytes:
    """The body that asks for vectors of texts, or of token ids, to which the child adds none (measured)."""
    return msgspec.json.encode({"input": texts, "encoding_format": "float"})


def _ours_removed(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in _OURS}
