"""Streams of upstreams made regular: the shapes that were recorded (contract 3.3, facts 2), and their failures."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream.chunks import ChunkReader
from glmgate.errors import ContextLengthExceeded, EngineFailed, QuotaExhausted
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.fold import Fold
from tests.engines.upstream.reading import (
    DONE,
    NOW,
    SECRET,
    body,
    chunk,
    event,
    finish,
    folded,
    read,
    reading,
    text,
    usage,
)

USAGE = Usage(7, 3, 2)
END = event(body({"role": "assistant", "content": ""}, finish_reason="stop") | {"usage": usage()})


def test_the_stream_of_glm() -> None:
    """Roles on each delta, either member of text, reason and usage on the last chunk (contract 3.3)."""
    said = chunk({"role": "assistant", "reasoning_content": "Hm"}) + text("Good") + text(" day") + END + DONE
    assert read(said) == [
        Delta(reasoning="Hm"),
        Delta(content="Good"),
        Delta(content=" day"),
        Delta(finish_reason="stop", usage=USAGE),
    ]


def test_the_stream_of_openai() -> None:
    """A role first, nulls, and usage in a chunk without choices (contract row S1)."""
    null: dict[str, Any] = {"logprobs": None, "finish_reason": None}
    said = chunk({"role": "assistant", "content": ""}, **null) + chunk({"content": "Hi"}, **null) + finish()
    assert read(said + event({"choices": [], "usage": usage()}) + DONE) == [
        Delta(content="Hi"),
        Delta(finish_reason="stop", usage=USAGE),
    ]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_have_two_names(name: str) -> None:
    """vLLM, Ollama and others say `reasoning` (facts 2)."""
    assert folded(read(chunk({name: "Hm"}) + text("x") + finish() + DONE)).reasoning == "Hm"


def test_a_thought_under_both_names_is_one() -> None:
    """Some write it twice, for old and new clients."""
    said = chunk({"reasoning_content": "Hm", "reasoning": "Hm", "content": None}) + text("x") + finish() + DONE
    assert folded(read(said)).reasoning == "Hm"


def test_a_whole_message_in_a_chunk() -> None:
    """Some put `message` where a delta belongs."""
    said = event({"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage()})
    assert folded(read(said)).content == "Hi"


def test_a_content_of_parts_is_their_text() -> None:
    """Parts without text say nothing here."""
    said = chunk({"content": [{"type": "text", "text": "a"}, {"type": "other"}, {"type": "text", "text": "b"}]})
    assert folded(read(said + finish() + DONE)).content == "ab"


def test_a_refusal_is_what_the_model_said() -> None:
    """It stands in a member of its own there; lost it must not be."""
    assert folded(read(chunk({"refusal": "No."}) + finish() + DONE)).content == "No."


@pytest.mark.parametrize(
    "said",
    [
        chunk({"content": "x"}) + END + event({"choices": [], "usage": usage()}),
        event(body({"content": "x"}) | {"usage": usage(7, 1)}) + END,
        chunk({"content": "x"}) + finish() + event({"choices": [], "usage": usage()}),
        chunk({"content": "x"}) + chunk({}, finish_reason="stop", usage=usage()),
        chunk({"content": "x"}) + END + event({"choices": [], "usage": {}}),
    ],
    ids=["twice", "in each chunk", "after the end", "within the choice", "empty at last"],
)
def test_usage_is_told_once_at_the_end(said: bytes) -> None:
    """Wherever it stands and however often; what came before the end is less."""
    deltas = read(said + DONE)
    assert deltas[-1].usage == USAGE
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    assert fold.usage == USAGE


def test_a_stream_that_is_left_early_was_counted_so_far() -> None:
    """Where each chunk has a usage."""
    (delta,) = ChunkReader(reading()).feed(event(body({"content": "x"}) | {"usage": usage(7, 1)}))
    assert delta.usage == Usage(7, 1, 2)


def test_reasoning_tokens_are_counted() -> None:
    """They stand in the details."""
    end = body({}, finish_reason="stop") | {"usage": usage(completion_tokens_details={"reasoning_tokens": 2})}
    assert read(text("x") + event(end) + DONE)[-1].usage == Usage(7, 3, 2, 2)


def test_usage_that_is_told_again_and_again_stands_with_one_choice() -> None:
    """Whichever choice speaks first: of two places that tell it, both would be counted (cumulative usage)."""
    documents: list[dict[str, Any]] = [
        {"choices": [{"index": 1, "delta": {"content": "b"}}], "usage": usage(7, 1)},
        {"choices": [{"index": 0, "delta": {"content": "a"}}], "usage": usage(7, 2)},
        {"choices": [{"index": place, "delta": {}, "finish_reason": "stop"} for place in (0, 1)], "usage": usage(7, 3)},
    ]
    deltas = read(b"".join(event(document) for document in documents) + DONE)
    assert {delta.choice for delta in deltas if delta.usage is not None} == {1}
    assert deltas[-1].usage == USAGE


def test_choices_come_apart_and_share_one_usage() -> None:
    """One after the other or mixed; what all of them cost is told with one."""
    first, second = {"index": 0}, {"index": 1}
    said = [
        {"choices": [first | {"delta": {"content": "a"}}, second | {"delta": {"content": "c"}}]},
        {"choices": [first | {"delta": {}, "finish_reason": "stop"}]},
        {"choices": [second | {"delta": {"content": "d"}}]},
        {"choices": [second | {"delta": {}, "finish_reason": "length"}]},
        {"choices": [], "usage": usage()},
    ]
    fold = Fold()
    for delta in read(b"".join(map(event, said)) + DONE):
        fold.feed(delta)
    result = fold.result()
    assert [(choice.content, choice.finish_reason) for choice in result.choices] == [("a", "stop"), ("cd", "length")]
    assert result.usage == USAGE


def test_a_text_completion() -> None:
    """`text` stands where a delta does, and log probabilities are in their older form."""
    logprobs = {"tokens": ["Hi"], "token_logprobs": [-0.5], "top_logprobs": [{"Hi": -0.5}], "text_offset": [0]}
    said = event({"choices": [{"index": 0, "text": "Hi", "logprobs": logprobs}]})
    deltas = read(said + event({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}) + DONE)
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
    chat_form = {"content": [entry | {"top_logprobs": [entry]}]}
    assert deltas[0] == Delta(content="Hi", logprobs=chat_form)


def test_log_probabilities_are_kept() -> None:
    """As they came."""
    entries = [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}]
    deltas = read(chunk({"content": "a"}, logprobs={"content": entries, "refusal": None}) + finish() + DONE)
    assert deltas[0].logprobs == {"content": entries}


def test_what_stands_beside_the_choices_is_kept() -> None:
    """Results of searches and filters come with what is said next, at the latest with the end (contract 3.2)."""
    found = [{"title": "A", "refer": "ref_1"}]
    filtered = [{"role": "assistant", "level": 3}]
    said = (
        event({"choices": [], "web_search": found})
        + text("x")
        + event(body({}, finish_reason="stop") | {"content_filter": filtered})
    )
    first, end = read(said + DONE)
    assert (first.extra, end.extra) == ({"web_search": found}, {"content_filter": filtered})


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("sensitive", "sensitive"),
        ("content_filter", "sensitive"),
        ("model_context_window_exceeded", "model_context_window_exceeded"),
        ("tool_calls", "stop"),
    ],
)
def test_words_for_the_end(word: str, means: str) -> None:
    """Contract row R3; calls that were never made are none."""
    assert folded(read(text("x") + finish(word) + DONE)).finish_reason == means


def test_a_profile_has_words_of_its_own() -> None:
    """Some say `abort` where a connection broke."""
    with pytest.raises(EngineFailed):
        read(text("x") + finish("abort") + DONE, reading(shipped("sglang")))


@pytest.mark.parametrize("word", ["network_error", "never heard of"])
def test_an_end_that_is_a_failure(word: str) -> None:
    """A connection that broke behind the service, or a word that nobody knows, is no success (contract row R3)."""
    with pytest.raises(EngineFailed) as told:
        read(text("x") + finish(word) + DONE)
    assert told.value.remedy == "retry"


@pytest.mark.parametrize("word", ["stop", "tool_calls"])
def test_an_end_without_a_word_before_it_is_a_failure(word: str) -> None:
    """The silent empty stop (S4): asking again may bring an answer."""
    with pytest.raises(EngineFailed, match="without having said anything") as told:
        read(chunk({"role": "assistant", "content": ""}) + finish(word) + DONE)
    assert told.value.remedy == "retry"


def test_an_empty_answer_can_be_meant() -> None:
    """A stop string may come first."""
    assert read(finish() + DONE, reading(may_be_empty=True)) == [Delta(finish_reason="stop")]


def test_an_empty_end_after_thoughts_have_left_is_passed_on() -> None:
    """The thoughts are with the client already, so nothing can be asked again."""
    assert [delta.finish_reason for delta in read(chunk({"reasoning": "Hm"}) + finish() + DONE)] == [None, "stop"]


@pytest.mark.parametrize("word", ["length", "sensitive"])
def test_other_ends_may_be_empty(word: str) -> None:
    """They say themselves why there is nothing."""
    assert folded(read(finish(word) + DONE)).finish_reason == word


def test_a_context_that_leaves_no_room_is_said_so() -> None:
    """Nothing was produced, so the caller has to send less (contract row R3)."""
    with pytest.raises(ContextLengthExceeded):
        read(finish("model_context_window_exceeded") + DONE)


@pytest.mark.parametrize("rest", [b"", DONE, b"data: [DONE]", event({"choices": [], "usage": usage()}) + DONE])
def test_a_stream_without_an_end_is_a_failure(rest: bytes) -> None:
    """`[DONE]` proves nothing (facts 3)."""
    with pytest.raises(EngineFailed, match="broke off"):
        read(text("x") + rest)


@pytest.mark.parametrize("before", [b"", text("x"), text("x") + finish()])
@pytest.mark.parametrize("after", [b"", DONE])
@pytest.mark.parametrize(
    "said",
    [
        {"error": {"code": "1113", "message": "Insufficient balance"}},
        {"error": {"code": 1113, "message": "Insufficient balance"}, "choices": []},
        {"error": {"code": "1113", "message": "Insufficient balance"}, "choices": body()["choices"]},
        {"code": "1113", "message": "Insufficient balance"},
        {"code": 1113, "msg": "Insufficient balance", "success": False},
        {"object": "error", "code": 1113, "message": "Insufficient balance"},
        {"errors": [{"code": "1113", "message": "Insufficient balance"}]},
    ],
)
def test_an_error_within_the_stream_is_one(before: bytes, said: dict[str, Any], after: bytes) -> None:
    """In any shape, at any place, whether `[DONE]` follows or not (facts 3)."""
    with pytest.raises(QuotaExhausted) as told:
        read(before + event(said) + after)
    assert told.value.zai_code == "1113"


@pytest.mark.parametrize(
    "said", [{"error": "overloaded"}, {"error": {"message": "worker died", "code": 500}}, {"detail": "Internal"}]
)
def test_an_error_without_a_known_code_is_one_too(said: dict[str, Any]) -> None:
    """As vLLM and others write it when their engine dies (facts 3)."""
    with pytest.raises(EngineFailed) as told:
        read(event(said) + DONE)
    assert told.value.remedy == "retry"


def test_an_event_named_error_is_one() -> None:
    """Its data tells; its name is not needed."""
    with pytest.raises(EngineFailed):
        read(b"event: error\n" + event({"message": "engine died", "code": 500}) + DONE)


def test_an_error_shows_no_credential() -> None:
    """Some services repeat what they were sent."""
    with pytest.raises(EngineFailed) as told:
        read(event({"error": {"message": f"bad header Bearer {SECRET.reveal()}"}}))
    assert "verySecretHalf" not in told.value.message


def test_after_done_nothing_is_read() -> None:
    """Whatever some proxy appends."""
    assert read(text("x") + finish() + DONE + b"data: {broken\n\n")[-1] == Delta(finish_reason="stop")


@pytest.mark.parametrize("before", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_a_whole_answer_in_place_of_a_stream(before: bytes) -> None:
    """Some ignore that a stream was asked for."""
    message = {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage()}
    data = before + event(message).removeprefix(b"data: ")
    assert read(data) == [Delta(content="Hi", finish_reason="stop", usage=USAGE)]


def test_an_error_body_in_place_of_a_stream() -> None:
    """With status 200, as on business failures (contract 3.5)."""
    with pytest.raises(QuotaExhausted) as told:
        read(b'{"error":{"code":"1113","message":"reset at 2026-11-23 00:00:00"}}')
    assert told.value.parked_until == NOW + 6 * 3600  # midnight in China is 16:00 UTC


def test_a_page_in_place_of_a_stream() -> None:
    """A wrong base URL, or a proxy that wants a log-in: asking there again is of no use."""
    with pytest.raises(EngineFailed, match="base_url") as told:
        read(b"<!DOCTYPE html><html><title>Log in</title></html>")
    assert told.value.remedy == "next"


def test_comments_and_foreign_fields_say_nothing() -> None:
    """Keep-alives, ids and retry times."""
    said = b": ping\n\nid: 1\nretry: 5\nevent: ping\ndata:\n\n" + text("x") + b": ping\n\n" + finish() + DONE
    assert folded(read(said)).content == "x"
