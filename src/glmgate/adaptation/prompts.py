"""Rules: text completions. One prompt of text; what only other engines can do with it is refused (contract row L1)."""

from __future__ import annotations

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.constraint import without_marks
from glmgate.adaptation.profile import Profile
from glmgate.errors import InvalidRequest, MissingParameter, UnsupportedValue
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta

_MOST_LOGPROBS = 5  # OpenAI's bound for the legacy field


def prompt(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """One prompt, as text."""
    text = request.prompt
    if isinstance(text, list) and len(text) == 1 and isinstance(text[0], str):
        text = text[0]
    if text is None or not text:
        raise MissingParameter("'prompt' is missing or empty. Send the text to go on from.", param="prompt")
    if isinstance(text, list):
        if all(isinstance(item, str) for item in text):
            raise UnsupportedValue("Several prompts cannot be answered by one call.", param="prompt")
        raise InvalidRequest(
            "'prompt' holds token ids, but ids of another tokenizer mean nothing to this model. Send text.",
            param="prompt",
        )
    return Change(request if text is request.prompt else msgspec.structs.replace(request, prompt=text))


def insertion(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """`suffix` needs a model trained to fill gaps."""
    if request.suffix:
        raise UnsupportedValue("'suffix' is set, but this model cannot fill a gap. Leave it out.", param="suffix")
    return Change(request if request.suffix is None else msgspec.structs.replace(request, suffix=None))


def best_of(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """To give the best of more than are asked for, all would have to be known first."""
    if request.best_of is None:
        return Change(request)
    if request.best_of != (request.n or 1):
        raise UnsupportedValue(
            f"'best_of' is {request.best_of} and 'n' {request.n or 1}, but only equal numbers are supported.",
            param="best_of",
        )
    return Change(msgspec.structs.replace(request, best_of=None))


def legacy_logprobs(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """The number of likeliest tokens to tell for each token of the answer; the prompt's are not known."""
    if request.logprobs is None:
        return Change(request)
    if not 0 <= request.logprobs <= _MOST_LOGPROBS:
        raise InvalidRequest(
            f"'logprobs' is {request.logprobs}, but must be between 0 and {_MOST_LOGPROBS}.", param="logprobs"
        )
    if request.echo:
        raise UnsupportedValue("'logprobs' of the prompt are not known here. Send no 'echo' with it.", param="logprobs")
    return Change(request)


def text_only(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """Nobody parses a text completion, so the marks of thoughts and calls would stand in its text as such."""
    return Change(without_marks(request, profile))


def echo(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """`echo` gives the prompt back before the answer; the engine does not know it, so we do."""
    if not request.echo or not isinstance(request.prompt, str):
        return Change(msgspec.structs.replace(request, echo=None) if request.echo is not None else request)
    return Change(msgspec.structs.replace(request, echo=None), undo=Echo(request.prompt))


class Echo(Piece):
    """Says `text` first."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        if not self._text:
            return (delta,)
        text, self._text = self._text, ""
        return (Delta(choice=delta.choice, content=text), delta)
