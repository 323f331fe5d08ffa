"""Tests of reading replies: what went wrong, by code before words before status, and the telling parts of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream import replies
from glmgate.engines.upstream.replies import Answer, Said
from glmgate.transport import errors

GLM, GENERIC = shipped("zai"), shipped("generic")


def refused(status: int, body: Any, **headers: str) -> Said:
    """A refusal, as the strictest profile reads it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return replies.refused(Said(status=status, headers=headers), data, GLM)


def test_the_code_counts_before_the_status() -> None:
    """Contract 3.5: 1113 comes as 429 and is no rate limit."""
    said = refused(429, {"error": {"code": "1113", "message": "Insufficient balance"}})
    assert (said.trouble, said.code, said.message) == ("quota", "1113", "Insufficient balance")
    assert refused(429, {"error": {"code": "1302", "message": "x"}}).trouble == "rate"
    assert refused(429, {"error": {"code": 1113, "message": "x"}}).trouble == "quota"


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (401, {"error": {"code": "invalid_api_key", "message": "x"}}, "authentication"),
        (429, {"error": {"code": "insufficient_quota", "message": "x"}}, "quota"),
        (404, {"error": {"code": 404, "message": "The model `x` does not exist."}}, "model"),
        (404, {"detail": "Not Found"}, "no_service"),
        (404, {"error": {"code": "not_found", "message": "No path '/models'."}}, "no_service"),
        (501, {"error": {"code": "unsupported_endpoint", "message": "x"}}, "no_service"),
        (400, {"error": {"message": "maximum context length is 8"}}, "context"),
        (500, {"error": "boom"}, "broken"),
        (418, {"message": "x"}, "invalid"),
        (401, b"", "authentication"),
        (502, b"<html>", "overload"),
        (404, b"<html>", "no_service"),
        (400, [], "no_service"),
    ],
)
def test_each_refusal_is_told(status: int, body: Any, trouble: str) -> None:
    """In the forms that services and what stands before them write."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert replies.refused(Said(status=status), data, GENERIC).trouble == trouble


def test_a_redirect_says_where_to() -> None:
    """It is never followed with a key."""
    said = refused(308, b"", location="https://elsewhere.test")
    assert (said.trouble, said.message) == ("moved", "https://elsewhere.test")


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (errors.ConnectFailed("x"), "unreachable"),
        (errors.ConnectionBroken("x"), "unreachable"),
        (errors.FirstTimedOut("x"), "silent"),
        (errors.TotalTimedOut("x"), "silent"),
        (errors.ReplyTooLarge("x"), "no_service"),
    ],
)
def test_no_reply_is_told(error: errors.TransportError, trouble: str) -> None:
    """Nobody there, not in time, or more than anybody needs."""
    assert replies.unanswered(error, ms=1.0).trouble == trouble


def test_a_plain_answer_is_read() -> None:
    """Reasoning under either name, and calls."""
    message = {"content": None, "reasoning": "hm", "tool_calls": [{"id": "1"}]}
    body = {"model": "m", "choices": [{"message": message, "finish_reason": "length"}]}
    answer = replies.read_completion(Said(), json.dumps(body).encode()).answer
    assert answer == Answer(reasoning="hm", called=True, finish="length", model="m")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [1]}', b"<html>", b"\xff"])
def test_what_is_no_answer_is_none(body: bytes) -> None:
    """Whatever comes with 200."""
    assert replies.read_completion(Said(status=200), body).trouble == "no_service"
    assert replies.read_message(Said(status=200), body).trouble == "no_service"
    assert replies.read_models(Said(status=200), body)[0].trouble == "no_service"


def test_an_answer_in_blocks_is_read() -> None:
    """Thinking has blocks of its own."""
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "OK"}, 1]
    answer = replies.read_message(Said(), json.dumps({"content": blocks, "stop_reason": "end_turn"}).encode()).answer
    assert answer == Answer(content="OK", reasoning="hm", finish="end_turn")


def test_a_stream_grows_event_by_event() -> None:
    """`[DONE]` adds nothing; an error is how it ended."""
    answer = Answer(pieces=0)
    for delta in ({"role": "assistant"}, {"content": "O"}, {"content": "K"}):
        answer = replies.grown(answer, json.dumps({"choices": [{"delta": delta}]}).encode())
    assert (answer.content, answer.pieces, answer.finish) == ("OK", 3, "")
    assert replies.grown(answer, b"[DONE]") == answer
    failed = replies.grown(answer, b'{"error": {"code": 500, "message": "boom"}}')
    assert failed.finish == "error 500"
