"""Requests and profiles for the tests of adaptation, and the way through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.fit import Fitted, fit
from glmgate.adaptation.profile import Profile, shipped
from glmgate.errors import GlmgateError
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Generation
from glmgate.wire.fold import CompletedChoice, Fold
from glmgate.wire.members import convert

T = TypeVar("T")

TOKENS: Final = ("<|user|>", "<|assistant|>", "<|system|>", "<think>", "</think>", "<tool_call>", "[gMASK]", "<sop>")
BARE: Final = shipped("embedded")
PROFILE: Final = BARE.for_model(guarded=TOKENS, context_length=4096, vocabulary=2048, dimensions=384)

WEATHER: Final[dict[str, Any]] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME: Final[dict[str, Any]] = {"type": "function", "function": {"name": "get_time"}}


def chat(**members: object) -> ChatRequest:
    """A chat request with these members, as if it had been read from JSON."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    return convert(body | members, ChatRequest)


def completion(**members: object) -> CompletionRequest:
    """A text completion with these members."""
    body: dict[str, Any] = {"model": "m", "prompt": "Once"}
    return convert(body | members, CompletionRequest)


def fitted_chat(profile: Profile = PROFILE, **members: object) -> ChatRequest:
    """What is sent for a chat request with these members."""
    request = fit(chat(**members), profile).request
    assert isinstance(request, ChatRequest)
    return request


def fitted_completion(profile: Profile = PROFILE, **members: object) -> CompletionRequest:
    """What is sent for a text completion with these members."""
    request = fit(completion(**members), profile).request
    assert isinstance(request, CompletionRequest)
    return request


def noted(fitted: Fitted[Generation] | Change[Any]) -> list[str]:
    """The report, note by note."""
    return [str(note) for note in fitted.notes]


def outcome(fitting: Callable[[], T]) -> T | GlmgateError:
    """What comes of fitting: the result, or the refusal."""
    try:
        return fitting()
    except GlmgateError as error:
        return error


def through(piece: Piece, deltas: Iterable[Delta]) -> list[Delta]:
    """What a piece makes of an answer."""
    return [*(after for delta in deltas for after in piece.feed(delta)), *piece.close()]


def folded(deltas: Iterable[Delta]) -> CompletedChoice:
    """The one choice that deltas make."""
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    (choice,) = fold.result().choices
    return choice


def said(piece: Piece, *texts: str, finish: bool = True) -> CompletedChoice:
    """What is left of an answer in these pieces of text."""
    deltas: Sequence[Delta] = [Delta(content=text) for text in texts]
    return folded(through(piece, [*deltas, *([Delta(finish_reason="stop")] if finish else [])]))
