"""Fitting a request to a profile: the rules, in their order.

Each rule lives in the module of its theme. Undoing goes the other way round: the last rule's piece sees a delta first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from glmgate.adaptation import (
    chat_prompt,
    content,
    custom_tools,
    endings,
    fields,
    formats,
    functions,
    guarding,
    history,
    inputs,
    length,
    numbers,
    prompts,
    roles,
    stop,
    thinking,
    tool_choice,
    tools,
    unknown,
    user,
)
from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.undo import Undo
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Generation, Note
from glmgate.wire.tokenizer import TokenizerRequest

R = TypeVar("R")
Rule = Callable[[R, Profile], Change[R]]

CHAT: Final[tuple[Rule[ChatRequest], ...]] = (
    length.turns,
    history.thoughts,
    unknown.unknown,
    unknown.consumed,
    fields.unstreamed,
    user.user,
    roles.present,
    fields.beside_functions,
    functions.functions,
    functions.legacy_history,
    custom_tools.custom_tools,
    roles.roles,
    roles.somebody_asks,
    content.contents,
    length.texts,
    roles.one_system,
    history.history,
    history.results,
    history.thoughts_there,
    content.last_words,
    numbers.likeliest,
    numbers.numbers,
    numbers.single,
    numbers.greedy,
    numbers.seed,
    numbers.biases,
    numbers.logprobs,
    fields.absent,
    length.both_names,
    length.longest,
    thinking.thinking,
    stop.stop,
    endings.silence,
    fields.searching,
    tools.tools,
    tool_choice.parallel,
    tool_choice.tool_choice,
    fields.pieces_of_calls,
    formats.formats,
    length.newer_name,
    guarding.guard_chat,
    endings.endings,
)

COMPLETION: Final[tuple[Rule[CompletionRequest], ...]] = (
    unknown.unknown,
    unknown.consumed,
    fields.unstreamed,
    user.user,
    prompts.prompt,
    length.prompt,
    prompts.insertion,
    prompts.best_of,
    prompts.legacy_logprobs,
    prompts.echo,
    numbers.numbers,
    numbers.single,
    numbers.seed,
    numbers.biases,
    fields.absent,
    prompts.text_only,
    length.longest,
    stop.stop,
    guarding.guard_prompt,
    endings.endings,
)

# Of a text completion that becomes a chat request, whose rules follow.
PROMPT: Final[tuple[Rule[CompletionRequest], ...]] = (
    unknown.unknown,
    prompts.prompt,
    prompts.insertion,
    prompts.best_of,
    prompts.legacy_logprobs,
    prompts.echo,
)

EMBEDDINGS: Final[tuple[Rule[EmbeddingsRequest], ...]] = (
    unknown.unknown,
    unknown.consumed,
    user.user,
    fields.absent,
    inputs.texts,
    inputs.dimensions,
    guarding.guard_inputs,
)

# Rules that do nothing where their member is absent, as most members are: to see that costs a fifth of a call.
_OF_ONE_MEMBER: Final[dict[object, str]] = {
    fields.unstreamed: "stream_options",
    fields.beside_functions: "functions",
    numbers.likeliest: "temperature",
    numbers.single: "n",
    numbers.greedy: "do_sample",
    numbers.seed: "seed",
    numbers.biases: "logit_bias",
    length.both_names: "max_completion_tokens",
    length.longest: "max_tokens",
    length.newer_name: "max_tokens",
    stop.stop: "stop",
    tools.tools: "tools",
    tool_choice.parallel: "parallel_tool_calls",
    tool_choice.tool_choice: "tool_choice",
    formats.formats: "response_format",
}

# The members that a prompt depends on, and by which the tokenizer's request is a chat request.
_OF_A_PROMPT: Final = (
    "messages",
    "tools",
    "tool_choice",
    "thinking",
    "reasoning_effort",
    "response_format",
    "chat_template_kwargs",
)


@dataclass(frozen=True, slots=True)
class Fitted(Generic[R]):
    """A request as the deployment takes it, what was changed on the way, and what undoes it on the answer."""

    request: R
    notes: tuple[Note, ...]
    undo: Undo


def fit(request: Generation, profile: Profile) -> Fitted[Generation]:
    """`request` as `profile` takes it.

    Raises InvalidRequest (with `param`) when a value is wrong or the deployment cannot do what it asks for.
    """
    if isinstance(request, ChatRequest):
        fitted_chat, notes, pieces = _apply(CHAT, request, profile)
        if profile.open:
            notes = (*notes, *unknown.lost(request, fitted_chat, profile))
        return Fitted(fitted_chat, notes, Undo(fitted_chat, pieces))
    if profile.completions == "chat":
        return _fit_prompt(request, profile)
    fitted, notes, pieces = _apply(COMPLETION, request, profile)
    return Fitted(fitted, notes, Undo(fitted, pieces))


def _fit_prompt(request: CompletionRequest, profile: Profile) -> Fitted[Generation]:
    """A text completion as a chat request (contract row L1)."""
    prompt, notes, pieces = _apply(PROMPT, request, profile)
    turned = chat_prompt.as_chat(prompt, profile)
    fitted, more, inner = _apply(CHAT, turned.request, profile)
    between = () if turned.undo is None else (turned.undo,)
    return Fitted(fitted, (*notes, *turned.notes, *more), Undo(fitted, (*inner, *between, *pieces)))


def fit_embeddings(request: EmbeddingsRequest, profile: Profile) -> tuple[EmbeddingsRequest, tuple[Note, ...]]:
    """As `fit`; the vectors' size is made afterwards, by `vectors.resized`."""
    fitted, notes, _ = _apply(EMBEDDINGS, request, profile)
    return fitted, notes


def fit_tokenizer(request: TokenizerRequest, profile: Profile) -> tuple[TokenizerRequest, tuple[Note, ...]]:
    """As `fit`, by the same rules: what is counted is what a chat request with these members sends at first."""
    members = {name: getattr(request, name) for name in (*_OF_A_PROMPT, "user_id", "request_id", "unknown")}
    fitted, notes, _ = _apply(CHAT, ChatRequest(model=request.model, **members), profile)
    prompt = {name: getattr(fitted, name) for name in _OF_A_PROMPT}
    return TokenizerRequest(model=request.model, unknown=fitted.unknown, **prompt), notes


def refuse_inexact(notes: Sequence[Note]) -> None:
    """For strict calls: raise InvalidRequest for the first change after which the answer may differ."""
    for note in notes:
        if not note.exact:
            raise InvalidRequest(
                f"This call is strict, and {note.field!r} would have to be changed ({note}). Change it, or call without"
                " 'strict'.",
                param=note.field,
                code="not_exact",
            )


def _apply(rules: Sequence[Rule[R]], request: R, profile: Profile) -> tuple[R, tuple[Note, ...], tuple[Piece, ...]]:
    notes: dict[Note, None] = {}
    pieces: list[Piece] = []
    for rule in rules:
        if (name := _OF_ONE_MEMBER.get(rule)) is not None and getattr(request, name) is None:
            continue
        change = rule(request, profile)
        request = change.request
        if change.notes:
            notes.update(dict.fromkeys(change.notes))
        if change.undo is not None:
            pieces.append(change.undo)
    return request, tuple(notes), tuple(reversed(pieces))
