"""What the child's errors mean to a caller, in our words: the child's own name its source files, fields and paths.

A table of patterns over the messages of the pinned build; a contract test asks the real child for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from glmgate.errors import (
    ContextLengthExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    Unavailable,
    UnsupportedValue,
)
from glmgate.transport import errors as transport


class ChildError(msgspec.Struct, frozen=True):
    """The member `error` of a body or of an event in a stream."""

    message: str = ""
    type: str = ""
    code: int = 500
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class _Body(msgspec.Struct, frozen=True):
    error: ChildError


_BODY: Final = msgspec.json.Decoder(_Body)

_UNFIT_OUTPUT: Final = "does not match the expected"


def _schema(match: re.Match[str]) -> GlmgateError:
    return InvalidRequest(
        f"A JSON schema cannot be used: {match[2].rstrip('.')} at {match[1]!r}.", code="invalid_schema"
    )


def _field(match: re.Match[str]) -> GlmgateError:
    return InvalidRequest(f"The value of {match[1]!r} has a wrong type or is out of range.", param=match[1])


def _input_too_long(match: re.Match[str]) -> GlmgateError:
    return ContextLengthExceeded(
        f"This model reads {match[2]} tokens at once, but an input makes {match[1]} tokens. Split it.", param="input"
    )


def _refuse(message: str, param: str | None) -> Callable[[re.Match[str]], GlmgateError]:
    return lambda _: InvalidRequest(message, param=param)


# The child answers 500 to some faults of the caller (engine facts 3.3), so its status says little.
_CALLERS_FAULTS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], GlmgateError]], ...]] = (
    (re.compile(r"JSON schema error at (#\S*): (.*)"), _schema),
    (re.compile(r"input \((\d+) tokens\) is too large.*current batch size: (\d+)"), _input_too_long),
    (re.compile(r'"input" must not be empty'), _refuse("The input is empty. Send at least one text.", "input")),
    (re.compile(r"^Field '(\w+)':"), _field),
    (
        re.compile(r"Failed to load (?:image|audio)|Invalid (?:url|base64)|cannot make GET request"),
        _refuse("An image cannot be read. Send it as base64, as PNG, JPEG, GIF or BMP.", "messages"),
    ),
    (
        re.compile(r"(?:image|audio|video) input is not supported|unsupported content\[\]\.type"),
        lambda _: UnsupportedValue("This model reads text only. Send only parts of type 'text'.", param="messages"),
    ),
    (
        re.compile(r"Failed to parse tool call arguments"),
        _refuse(
            "The arguments of a tool call in the messages are no JSON. Send them as the model gave them.", "messages"
        ),
    ),
    (
        re.compile(r"Failed to parse messages|'content'|'messages'|assistant messages? (?:at the end|that contains)"),
        _refuse("The messages are not in a form that the model can read.", "messages"),
    ),
    (re.compile(r"Failed to parse tools"), _refuse("The tools are not in a form that the model can read.", "tools")),
    (re.compile(r"^Invalid tool_choice"), _refuse("This tool_choice is not known.", "tool_choice")),
    (re.compile(r"response_format"), _refuse("This response_format is not known.", "response_format")),
    (re.compile(r"grammar|samplers"), _refuse("The form that is asked for cannot be enforced.", "response_format")),
    (
        re.compile(r"does not support embeddings|not OAI compatible"),
        lambda _: UnsupportedValue("This model makes no embeddings. Ask an embedding model.", param="model"),
    ),
)


def refusal(status: int, body: bytes) -> GlmgateError:
    """The error that an answer with this status means."""
    try:
        error = _BODY.decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return EngineFailed("The model's engine answered with something that cannot be read.")
    return meaning(error, status)


def meaning(error: ChildError, status: int) -> GlmgateError:
    """The error that the child's one means; `status` is the HTTP status, or 200 within a stream."""
    if error.type == "exceed_context_size_error":
        return _too_long(error.n_prompt_tokens, error.n_ctx)
    if status == 503:
        return Unavailable("The model is loading. Try again later.", retry_after_s=1.0)
    if status != 200:
        for pattern, make in _CALLERS_FAULTS:
            if match := pattern.search(error.message):
                return make(match)
        if status == 400:
            return InvalidRequest("The model's engine refused the request: one of its values cannot be used.")
    if _UNFIT_OUTPUT in error.message:
        return EngineFailed("The model wrote something that is not in the form that was asked for. Try again.")
    return EngineFailed("The model's engine failed while it worked on the request.")


def _too_long(tokens: int | None, context: int | None) -> ContextLengthExceeded:
    """The prompt does not fit."""
    return ContextLengthExceeded(
        f"This model's context is {context} tokens, but the messages (with tools) make {tokens} tokens. Shorten them.",
        param="messages",
    )


def broken(exc: transport.TransportError) -> EngineFailed:
    """What a failure of the connection to the child means."""
    if isinstance(exc, transport.ReplyTimedOut):
        return EngineFailed("The model was silent for too long.")
    return EngineFailed("The model's engine broke off while it worked on the request. Try again.")
