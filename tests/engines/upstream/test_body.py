"""What is sent to upstreams beside the adapted request: our names, our credential, and nothing of the caller's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.profile import Profile, shipped
from glmgate.engines.upstream import body
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller
from glmgate.wire.members import convert
from tests.engines.upstream.reading import SECRET, ZAI

GENERIC = shipped("generic")
MESSAGES = [{"role": "user", "content": "Hi"}]


def call(**members: Any) -> Call:
    """A call."""
    return Call("req_1", Caller("key_1"), "openai", **members)


def sent(profile: Profile, **members: Any) -> dict[str, Any]:
    """The body of a chat."""
    request = convert({"model": "public", "messages": MESSAGES, **members}, ChatRequest)
    found: dict[str, Any] = msgspec.json.decode(body.generation(call(), request, model="own", profile=profile))
    return found


def test_a_request_is_sent_as_it_was_adapted() -> None:
    """Under the service's name of the model; known and unknown members stay as they are, ours are taken out."""
    assert sent(GENERIC, temperature=0.5, other={"a": [1]}, glmgate={"strict": True}) == {
        "model": "own",
        "messages": MESSAGES,
        "temperature": 0.5,
        "other": {"a": [1]},
    }


@pytest.mark.parametrize("stream", [False, None])
def test_a_plain_answer_is_asked_for_plainly(stream: bool | None) -> None:
    """Options of streams without one are refused by some."""
    members = sent(GENERIC, stream=stream, stream_options={"include_usage": True})
    assert "stream" not in members
    assert "stream_options" not in members


def test_usage_is_asked_for_where_it_must_be() -> None:
    """Contract row S1: what the caller gets of it is decided where the answer is written."""
    assert sent(GENERIC, stream=True)["stream_options"] == {"include_usage": True}
    assert sent(GENERIC, stream=True, stream_options={"include_usage": False, "other": 1})["stream_options"] == {
        "include_usage": True,
        "other": 1,
    }
    assert "stream_options" not in sent(ZAI, stream=True, stream_options={"include_usage": True})


@pytest.mark.parametrize("given", [{}, {"request_id": "x" * 64}])
def test_each_attempt_has_an_id_of_its_own(given: dict[str, Any]) -> None:
    """The same id twice in flight is refused (contract 3.5, 1231), and it has at most 64 characters."""
    first, second = (sent(ZAI, **given)["request_id"] for _ in range(2))
    assert first != second
    assert 6 <= len(first) <= 64
    assert first.startswith(given.get("request_id", "req_1")[:50])


def test_no_id_is_sent_where_there_is_no_member_for_it() -> None:
    """The header has it all the same."""
    assert "request_id" not in sent(GENERIC)


def test_text_completions_have_a_path_of_their_own() -> None:
    """The members are theirs, too."""
    request = convert({"model": "public", "prompt": "a"}, CompletionRequest)
    assert body.path(request) == "/completions"
    assert msgspec.json.decode(body.generation(call(), request, model="own", profile=GENERIC)) == {
        "model": "own",
        "prompt": "a",
    }


@pytest.mark.parametrize(("name", "encoding"), [("vllm", "base64"), ("zai", None)])
def test_vectors_are_asked_for_in_base64_where_they_can_be(name: str, encoding: str | None) -> None:
    """Contract row E1: what the caller gets is written by the surface."""
    request = convert({"model": "public", "input": ["a"], "encoding_format": "float"}, EmbeddingsRequest)
    members = msgspec.json.decode(body.embeddings(request, model="own", profile=shipped(name)))
    assert (members["model"], members["input"], members.get("encoding_format")) == ("own", ["a"], encoding)


def test_headers_carry_our_credential_and_the_trace() -> None:
    """And what ties the logs of both sides together."""
    headers = body.headers(call(traceparent="00-aa-bb-01", session_id="s1"), SECRET, streamed=True)
    assert headers == {
        "Accept": "text/event-stream",
        "Content-Type": "application/json",
        "User-Agent": "glmgate",
        "Authorization": f"Bearer {SECRET.reveal()}",
        "x-request-id": "req_1",
        "traceparent": "00-aa-bb-01",
        "x-session-id": "s1",
    }


def test_without_a_credential_none_is_sent() -> None:
    """Servers of one's own often want none."""
    assert "Authorization" not in body.headers(call(), None)


@pytest.mark.parametrize("value", ["a\r\nX-Other: 1", "сессия", "x" * 1000, ""])
def test_what_cannot_stand_in_a_header_is_left_out(value: str) -> None:
    """A caller has chosen it."""
    assert "x-session-id" not in body.headers(call(session_id=value), SECRET)


def test_vendors_words_of_a_trace_go_with_it() -> None:
    """And not without: `tracestate` alone means nothing (Trace Context, section 3.3)."""
    state = "vendor=1"
    sent = body.headers(call(traceparent="00-aa-bb-01", tracestate=state), SECRET)
    assert (sent["traceparent"], sent["tracestate"]) == ("00-aa-bb-01", state)
    assert "tracestate" not in body.headers(call(tracestate=state), SECRET)
