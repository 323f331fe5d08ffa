"""The child's errors in our words. That the real child still says these is asked in `test_engine`."""

from __future__ import annotations

import msgspec
import pytest

from glmgate.engines.embedded.refusals import broken, refusal
from glmgate.errors import (
    ContextLengthExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    Unavailable,
    UnsupportedValue,
)
from glmgate.transport import errors as transport


def body(message: str, kind: str = "server_error", **more: int) -> bytes:
    """An error body of the child."""
    return msgspec.json.encode({"error": {"code": 500, "message": message, "type": kind, **more}})


def test_a_prompt_that_is_too_long_says_both_numbers() -> None:
    """So that a caller knows how much to cut."""
    error = refusal(400, body("...", "exceed_context_size_error", n_prompt_tokens=5009, n_ctx=4096))
    assert isinstance(error, ContextLengthExceeded)
    assert "4096 tokens" in error.message
    assert "5009 tokens" in error.message


@pytest.mark.parametrize(
    ("status", "message", "kind", "param"),
    [
        (500, "image input is not supported - hint: provide the mmproj", UnsupportedValue, "messages"),
        (400, "unsupported content[].type", UnsupportedValue, "messages"),
        (500, "Failed to parse tool call arguments as JSON: [json.exception.101] ...", InvalidRequest, "messages"),
        (500, "Failed to parse messages: Missing 'role' in message: {}", InvalidRequest, "messages"),
        (500, "Failed to parse tools: Missing tool function", InvalidRequest, "tools"),
        (400, "Invalid tool_choice: zz", InvalidRequest, "tool_choice"),
        (400, "Field 'n': Value must be between 1 <= value <= 4, but got 9", InvalidRequest, "n"),
        (400, "Failed to initialize samplers: failed to parse grammar", InvalidRequest, "response_format"),
        (400, "something of another build", InvalidRequest, None),
        (501, "This server does not support embeddings. Start it with ...", UnsupportedValue, "model"),
        (
            500,
            "input (2002 tokens) is too large to process. ... (current batch size: 512)",
            ContextLengthExceeded,
            "input",
        ),
        (503, "Loading model", Unavailable, None),
        (500, "vector::_M_range_check", EngineFailed, None),
        (401, "Invalid API Key", EngineFailed, None),
    ],
)
def test_each_fault_has_its_meaning(status: int, message: str, kind: type[GlmgateError], param: str | None) -> None:
    """Some faults of the caller come as 500; the words tell."""
    error = refusal(status, body(message))
    assert type(error) is kind
    assert error.param == param


def test_a_schema_s_fault_is_said_with_its_place() -> None:
    """Of the whole message only this is of use to the caller."""
    error = refusal(
        400,
        body("Unable to generate parser for this template: JSON schema error at #/properties/x: unrecognized type zzz"),
    )
    assert isinstance(error, InvalidRequest)
    assert "unrecognized type zzz at '#/properties/x'" in error.message
    assert "template" not in error.message


def test_a_body_that_cannot_be_read_is_a_failure_of_the_engine() -> None:
    """A proxy's page, or nothing."""
    assert isinstance(refusal(502, b"<html>"), EngineFailed)
    assert isinstance(refusal(500, b""), EngineFailed)


@pytest.mark.parametrize(
    "exc",
    [transport.ConnectFailed(), transport.ConnectionBroken(), transport.IdleTimedOut(), transport.ReplyUnreadable()],
)
def test_a_broken_connection_is_a_failure_of_the_engine(exc: transport.TransportError) -> None:
    """Whatever the reason: the caller may try again."""
    error = broken(exc)
    assert isinstance(error, EngineFailed)
    assert error.retry is True
