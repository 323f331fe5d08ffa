"""Fitting as a whole: pure, total, and nothing dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmgate.adaptation.fit import Fitted, fit, fit_embeddings, fit_tokenizer, refuse_inexact
from glmgate.errors import GlmgateError, InvalidRequest, RequestRefused
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Note
from glmgate.wire.members import convert, plain
from glmgate.wire.tokenizer import TokenizerRequest
from tests.adaptation.documents import CHATS, COMPLETIONS, EMBEDDINGS, MESSAGES, TOKENIZERS
from tests.adaptation.requests import PROFILE, TIME, TOKENS, WEATHER, chat, folded, noted, outcome

thorough = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@thorough
@given(CHATS)
def test_any_chat_request_is_fitted_or_refused(document: dict[str, Any]) -> None:
    """No well-typed request makes anything but a fitted one or a clear 4xx; the same one always the same."""
    request = convert(document, ChatRequest)
    before = plain(request)
    fitted = outcome(lambda: fit(request, PROFILE))
    assert plain(request) == before
    if refused(fitted):
        return
    assert isinstance(fitted, Fitted)
    again = fit(request, PROFILE)
    assert plain(fitted.request) == plain(again.request)
    assert fitted.notes == again.notes
    assert holds_only_what_is_accepted(plain(fitted.request))


@thorough
@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_any_history_is_fitted_or_refused(messages: list[dict[str, Any]]) -> None:
    """With nothing else in the way, more of them come through."""
    fitted = outcome(lambda: fit(chat(messages=messages), PROFILE))
    assert refused(fitted) or (isinstance(fitted, Fitted) and holds_only_what_is_accepted(plain(fitted.request)))


def refused(fitted: object) -> bool:
    """Whether it was, and rightly: a 4xx that names its field."""
    assert not isinstance(fitted, GlmgateError) or (isinstance(fitted, RequestRefused) and fitted.param)
    return isinstance(fitted, GlmgateError)


def holds_only_what_is_accepted(sent: dict[str, Any]) -> bool:
    """What the engine gets: roles and members that it knows, texts without special tokens."""
    text = json.dumps(sent["messages"], ensure_ascii=False)
    known = {"model", "messages", "temperature", "top_p", "top_k", "max_tokens", "seed", "tools", "tool_choice"}
    known |= {"parallel_tool_calls", "response_format", "logprobs", "top_logprobs", "logit_bias", "frequency_penalty"}
    known |= {"presence_penalty", "chat_template_kwargs"}
    return (
        set(sent) <= known
        and {message["role"] for message in sent["messages"]} <= {"system", "user", "assistant", "tool"}
        and all(isinstance(message["content"], str) for message in sent["messages"])
        and not [token for token in TOKENS if token in text]
        and sent.get("tool_choice") in (None, "required")
    )


@thorough
@given(COMPLETIONS)
def test_any_completion_is_fitted_or_refused(document: dict[str, Any]) -> None:
    """As for chat."""
    fitted = outcome(lambda: fit(convert(document, CompletionRequest), PROFILE))
    assert refused(fitted) or (isinstance(fitted, Fitted) and isinstance(plain(fitted.request)["prompt"], str))


@given(EMBEDDINGS)
def test_any_embeddings_request_is_fitted_or_refused(document: dict[str, Any]) -> None:
    """As for chat."""
    fitted = outcome(lambda: fit_embeddings(convert(document, EmbeddingsRequest), PROFILE)[0])
    assert refused(fitted) or (isinstance(fitted, EmbeddingsRequest) and set(plain(fitted)) == {"model", "input"})


@given(TOKENIZERS)
def test_any_tokenizer_request_is_fitted_or_refused(document: dict[str, Any]) -> None:
    """As for chat."""
    fitted = outcome(lambda: fit_tokenizer(convert(document, TokenizerRequest), PROFILE)[0])
    known = {"model", "messages", "tools", "chat_template_kwargs", "response_format"}
    assert refused(fitted) or (isinstance(fitted, TokenizerRequest) and set(plain(fitted)) <= known)


@thorough
@given(CHATS)
def test_the_report_holds_no_text_of_the_caller(document: dict[str, Any]) -> None:
    """Fields are paths, changes are words and numbers; all of it is plain ASCII."""
    fitted = outcome(lambda: fit(convert(document, ChatRequest), PROFILE))
    for note in fitted.notes if isinstance(fitted, Fitted) else ():
        assert str(note).isascii()
        assert not [token for token in (*TOKENS, "Hello", "?", ";", "\n", "\x00") if token in str(note)]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"novelty": 1}, "novelty"),
        ({"messages": [{"role": "user", "content": "a", "novelty": 1}]}, "messages.novelty"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"tools": [{"type": "web_browser"}]}, "tools.web_browser"),
        ({"messages": [{"role": "system", "content": "a"}]}, "messages"),
    ],
)
def test_a_strict_call_is_refused_for_what_is_not_exact(members: dict[str, Any], param: str) -> None:
    """And the field is named."""
    with pytest.raises(InvalidRequest) as raised:
        refuse_inexact(fit(chat(**members), PROFILE).notes)
    assert raised.value.param == param


@pytest.mark.parametrize(
    "members",
    [
        {"messages": [{"role": "developer", "content": "a"}, {"role": "user", "content": "<think>"}]},
        {"stop": ["a"], "max_completion_tokens": 5, "metadata": {"a": "b"}, "user": "u"},
        {"tools": [WEATHER, TIME], "tool_choice": "required", "parallel_tool_calls": False},
        {"response_format": {"type": "json_object"}, "do_sample": False, "seed": -1},
    ],
)
def test_a_strict_call_passes_with_exact_changes(members: dict[str, Any]) -> None:
    """Renames and emulations mean what was asked for."""
    refuse_inexact(fit(chat(**members), PROFILE).notes)


def test_a_refusal_says_what_would_be_changed() -> None:
    """So that the caller can."""
    with pytest.raises(InvalidRequest, match=r"temperature=1\.7->1"):
        refuse_inexact([Note("stop", "emulated"), Note("temperature", "1.7->1", exact=False)])


def test_notes_come_once_and_in_the_order_of_the_rules() -> None:
    """A report is read by people."""
    request = chat(
        messages=[{"role": "developer", "content": "<sop>", "x": 1}] * 3 + [{"role": "user", "content": "<sop>"}]
    )
    assert noted(fit(request, PROFILE)) == ["messages.x=omitted", "messages.role=developer->system", "messages=guarded"]


REASONING = st.lists(st.sampled_from(["hm", "<", "\u2060", "sop>", "END"]), max_size=5).map("".join)
CONTENT = st.lists(st.sampled_from(["a", "E", "N", "D", "<", "\u2060", "sop>", "END", "\n"]), max_size=8).map("".join)
ASKED: list[dict[str, Any]] = [
    {"stop": ["END", "a\n"]},
    {"tools": [TIME], "parallel_tool_calls": False, "stop": "DEN"},
    {"functions": [TIME["function"]]},
    {"tools": [TIME], "tool_choice": "required"},
    {"tools": [TIME], "response_format": {"type": "json_object"}, "stop": "N"},
]


def answer(reasoning: str, content: str, calls: int, size: int) -> list[Delta]:
    """An answer, its text in pieces of `size`."""
    deltas = [Delta(reasoning=reasoning[at : at + size]) for at in range(0, len(reasoning), size)]
    deltas += [Delta(content=content[at : at + size]) for at in range(0, len(content), size)]
    for index in range(calls):
        deltas.append(Delta(tool_calls=(ToolCallDelta(index=index, id=f"c{index}", name="get_time"),)))
        deltas += [
            Delta(tool_calls=(ToolCallDelta(index=index, arguments=text),)) for text in ('{"a"', ': "<\u2060sop>"}')
        ]
    return [*deltas, Delta(finish_reason="tool_calls" if calls else "stop", usage=Usage(3, 4))]


@given(st.sampled_from(ASKED), REASONING, CONTENT, st.integers(0, 2), st.integers(1, 6))
def test_undoing_does_not_depend_on_the_pieces(
    members: dict[str, Any], reasoning: str, content: str, calls: int, size: int
) -> None:
    """Undoing over pieces of any size equals undoing over the whole, the second call's need included."""
    results = []
    for pieces in (size, 1000):
        undo = fit(chat(**members), PROFILE).undo
        deltas = [after for delta in answer(reasoning, content, calls, pieces) for after in undo.feed(delta)]
        following = undo.follow_up()
        deltas = [msgspec.structs.replace(delta, usage=None) for delta in (*deltas, *undo.close())]
        results.append((undo.done, following, folded([*deltas, Delta()])))
        assert sum(delta.finish_reason is not None for delta in deltas) == (following is None)
    assert results[0] == results[1]
