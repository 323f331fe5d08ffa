"""What upstreams write, as types: chunks and whole answers in one, with every spelling seen (contract 3.2-3.4).

Only members that are read are here; what they mean is decided in `choices` and `chunks`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.wire.delta import Usage


class Function(msgspec.Struct, frozen=True):
    """The function of a call. `arguments` is JSON text (documented as an object, and some send one).

    `input` stands in its place for a custom tool (contract row C8).
    """

    name: str | None = None
    arguments: str | dict[str, Any] | None = None
    input: str | None = None


class Call(msgspec.Struct, frozen=True):
    """A call or a piece of one. Any of its members may be missing."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: Function | None = None


class Text(msgspec.Struct, frozen=True):
    """A part of a content that is a list."""

    text: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A delta or a whole message. The same thought stands in both members of some that write both.

    `tool_calls` are as they came: those of functions are read as `Call`, of all others every member is kept.
    """

    content: str | list[Text] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    function_call: Function | None = None
    refusal: str | None = None

    @property
    def thought(self) -> str | None:
        """The reasoning; None, never empty, when there is none."""
        return self.reasoning_content or self.reasoning or None


class PromptDetails(msgspec.Struct, frozen=True):
    """What the prompt's tokens were."""

    cached_tokens: int | None = None


class CompletionDetails(msgspec.Struct, frozen=True):
    """What the answer's tokens were."""

    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True):
    """The member `usage`. Any of its members may be missing or null."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    @property
    def usage(self) -> Usage:
        """The same in our words."""
        prompt, completion = self.prompt_tokens_details, self.completion_tokens_details
        return Usage(
            prompt=self.prompt_tokens or 0,
            completion=self.completion_tokens or 0,
            cached=(prompt.cached_tokens or 0) if prompt is not None else 0,
            reasoning=(completion.reasoning_tokens or 0) if completion is not None else 0,
        )


class Choice(msgspec.Struct, frozen=True):
    """One choice of a chunk (`delta`), of a whole answer (`message`), or of a text completion (`text`)."""

    index: int | None = None
    delta: Message | None = None
    message: Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None
    usage: Tokens | None = None


class Chunk(msgspec.Struct, frozen=True):
    """One document of a stream, or a whole answer. What is no answer says so in `error` or in the members after it."""

    choices: list[Choice] | None = None
    usage: Tokens | None = None
    error: Any = None
    errors: Any = None
    web_search: Any = None
    content_filter: Any = None
    video_result: Any = None
    code: Any = None
    message: Any = None
    msg: Any = None
    detail: Any = None
    object: str | None = None
    type: str | None = None
    param: Any = None

    @property
    def has_beside(self) -> bool:
        """Whether there is something beside the choices that a client may want."""
        return bool(self.web_search or self.content_filter or self.video_result)

    @property
    def tokens(self) -> Tokens | None:
        """The usage; some put it into a choice."""
        if self.usage is not None:
            return self.usage
        return next((choice.usage for choice in self.choices or () if choice.usage is not None), None)
