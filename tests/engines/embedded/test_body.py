"""What is sent to the child."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.engines.embedded import body
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest


def chat(**members: Any) -> ChatRequest:
    """A chat request."""
    return convert({"model": "m", "messages": [{"role": "user", "content": "x"}], **members}, ChatRequest)


def sent(request: ChatRequest | CompletionRequest) -> dict[str, Any]:
    """The body that the child gets for a request."""
    return dict(msgspec.json.decode(body.generation(request)))


def test_the_child_always_streams_counts_and_answers_once() -> None:
    """Whatever the caller asked for."""
    made = sent(chat(stream=False, n=3, stream_options={"include_usage": False}))
    assert made["stream"] is made["timings_per_token"] is made["cache_prompt"] is made["return_progress"] is True
    assert made["stream_options"] == {"include_usage": True}
    assert made["n"] == 1


def test_members_that_are_not_for_the_child_are_left_out() -> None:
    """Names of ours, and who asks."""
    made = sent(chat(user="u", user_id="u", request_id="r", glmgate={"strict": True}))
    assert made.keys().isdisjoint({"model", "user", "user_id", "request_id", "glmgate"})


def test_members_that_we_do_not_know_are_kept() -> None:
    """What adaptation let through is the engine's to read."""
    assert sent(chat(ignore_eos=True))["ignore_eos"] is True


@pytest.mark.parametrize(("asked", "expected"), [(None, 1), (0, 1), (5, 5)])
def test_logprobs_are_asked_with_at_least_one_alternative(asked: int | None, expected: int) -> None:
    """With none the engine gives no logprobs at all; the reader trims what the caller did not ask for."""
    request = chat(logprobs=True, top_logprobs=asked)
    assert sent(request)["top_logprobs"] == expected
    assert body.top_logprobs(request) == (asked or 0)


def test_without_logprobs_no_alternatives_are_asked_for() -> None:
    """The engine refuses the one without the other."""
    assert "top_logprobs" not in sent(chat())


def test_a_completion_goes_to_its_own_path() -> None:
    """With the prompt as it is."""
    request = convert({"model": "m", "prompt": "Once", "logprobs": 0}, CompletionRequest)
    assert body.path(request) == "/v1/completions"
    assert sent(request)["prompt"] == "Once"
    assert sent(request)["logprobs"] == 1
    assert body.path(chat()) == "/v1/chat/completions"


def test_the_prompt_is_asked_for_with_messages_and_tools_only() -> None:
    """And tokenized as the engine reads it when it generates."""
    request = convert({"model": "m", "messages": [{"role": "user", "content": "x"}], "user_id": "u"}, TokenizerRequest)
    assert msgspec.json.decode(body.prompt(request)) == {"messages": [{"role": "user", "content": "x"}]}
    assert msgspec.json.decode(body.tokenize("p")) == {"content": "p", "add_special": True, "parse_special": True}
    plain = msgspec.json.decode(body.tokenize("p", plain=True))
    assert plain == {"content": "p", "add_special": False, "parse_special": False}
