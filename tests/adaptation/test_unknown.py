"""Members that no rule knows: passed, or kept out with a report; never dropped in silence."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.fit import fit, fit_embeddings, fit_tokenizer
from glmgate.adaptation.profile import shipped
from glmgate.adaptation.unknown import CHILDREN, unknown
from glmgate.wire import chat as chat_types
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import Members, convert, plain
from glmgate.wire.tokenizer import TokenizerRequest
from tests.adaptation.requests import BARE, PROFILE, TIME, chat, completion, noted

FULL: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "user", "content": "Go on"},
    ],
    "stream_options": {"include_usage": True},
    "thinking": {"type": "enabled"},
    "tools": [TIME],
    "tool_choice": {"type": "function", "function": {"name": "get_time"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "glmgate": {"strict": False},
}
PLACES: list[tuple[str, list[str | int]]] = [
    ("", []),
    ("messages", ["messages", 0]),
    ("messages.content", ["messages", 0, "content", 0]),
    ("messages.tool_calls", ["messages", 1, "tool_calls", 0]),
    ("messages.tool_calls.function", ["messages", 1, "tool_calls", 0, "function"]),
    ("messages.function_call", ["messages", 2, "function_call"]),
    ("stream_options", ["stream_options"]),
    ("thinking", ["thinking"]),
    ("tools", ["tools", 0]),
    ("tools.function", ["tools", 0, "function"]),
    ("tool_choice", ["tool_choice"]),
    ("tool_choice.function", ["tool_choice", "function"]),
    ("response_format", ["response_format"]),
    ("response_format.json_schema", ["response_format", "json_schema"]),
    ("glmgate", ["glmgate"]),
]


def planted(place: list[str | int], name: str, value: object) -> ChatRequest:
    """The full request with one more member at `place`."""
    body = msgspec.json.decode(msgspec.json.encode(FULL))
    node = body
    for step in place:
        node = node[step]
    node[name] = value
    return convert(body, ChatRequest)


@pytest.mark.parametrize(("path", "place"), PLACES)
def test_unknown_members_are_reported_at_every_level(path: str, place: list[str | int]) -> None:
    """A closed profile keeps them out and says so, by their path."""
    fitted = fit(planted(place, "novelty", 1), PROFILE)
    assert f"{path}.novelty=omitted".removeprefix(".") in noted(fitted)
    assert b"novelty" not in msgspec.json.encode(plain(fitted.request))


@pytest.mark.parametrize(("path", "place"), PLACES)
def test_null_members_are_absent_at_every_level(path: str, place: list[str | int]) -> None:
    """Two official SDKs send nulls on every call (contract 0.6); there is nothing to say about them."""
    fitted = fit(planted(place, "novelty", None), PROFILE)
    assert not [note for note in noted(fitted) if "novelty" in note]
    assert b"novelty" not in msgspec.json.encode(plain(fitted.request))


@given(
    st.sampled_from(PLACES),
    st.text(min_size=1).filter(lambda name: name.strip() == name),
    st.integers() | st.booleans(),
)
def test_a_report_holds_no_text_of_the_caller(place: tuple[str, list[str | int]], name: str, value: object) -> None:
    """Only names that are plain identifiers are told; whatever the name, something is."""
    request = planted(place[1], f"?{name}", value)
    assert "unknown=omitted" in noted(unknown(request, PROFILE))


def test_many_unknown_members_make_a_short_report() -> None:
    """A body full of them does not make a report as long as the body."""
    assert len(unknown(chat(**{f"x{number}": 1 for number in range(1000)}), PROFILE).notes) <= 33


def test_an_open_profile_passes_them() -> None:
    """What the deployment knows better is passed as it is."""
    request = planted([], "novelty", 1)
    assert unknown(request, msgspec.structs.replace(PROFILE, open=True)).request is request


def test_the_request_that_came_in_is_not_changed() -> None:
    """Rules give new values; the caller's stays, because others may still read it."""
    request = planted(["messages", 0], "novelty", 1)
    before = plain(request)
    fit(request, PROFILE)
    assert plain(request) == before


@pytest.mark.parametrize(
    ("members", "exact"),
    [
        ({"metadata": {"a": "b"}}, True),
        ({"store": False}, True),
        ({"store": True}, False),
        ({"web_search_options": {}}, False),
    ],
)
def test_members_without_effect_are_exact(members: dict[str, Any], exact: bool) -> None:
    """Leaving out what changes nothing in the answer is no reason to refuse a strict call."""
    (note,) = unknown(chat(**members), PROFILE).notes
    assert note.exact is exact


def test_what_was_read_before_goes_no_further() -> None:
    """The surface's and the gateway's members end here, without a word."""
    given_members = {"stream": True, "request_id": "abcdef", "tool_stream": True}
    fitted = fit(chat(stream_options={"include_usage": True}, glmgate={"strict": False}, **given_members), BARE)
    assert fitted.notes == ()
    assert set(plain(fitted.request)) == {"model", "messages"}


def test_who_the_user_is_has_no_effect_and_is_reported() -> None:
    """Nobody reads it here, so the caller is told; a strict call is not refused for it."""
    notes = fit(chat(user="u", user_id="abcdef"), BARE).notes
    assert [(str(note), note.exact) for note in notes] == [("user=omitted", True), ("user_id=omitted", True)]


def test_other_requests_have_the_same_promise() -> None:
    """Completions, embeddings and the tokenizer keep unknown members out and say so."""
    embedding = convert({"model": "m", "input": "a", "novelty": 1, "encoding_format": "base64"}, EmbeddingsRequest)
    tokenizer = convert({"model": "m", "messages": [{"role": "user", "content": "a", "novelty": 1}]}, TokenizerRequest)
    assert noted(fit(completion(novelty=1), PROFILE)) == ["novelty=omitted"]
    assert [str(note) for note in fit_embeddings(embedding, PROFILE)[1]] == ["novelty=omitted"]
    assert [str(note) for note in fit_tokenizer(tokenizer, PROFILE)[1]] == ["messages.novelty=omitted"]


def holds_members(kind: Any) -> bool:
    """Whether a member of this type may hold an object with members of its own."""
    if arguments := typing.get_args(kind):
        return any(holds_members(argument) for argument in arguments)
    return isinstance(kind, type) and issubclass(kind, Members)


@pytest.mark.parametrize("kind", [*CHILDREN])
def test_the_walk_knows_every_object_of_the_types(kind: type[Members]) -> None:
    """A new member of a wire type that holds objects has to be walked into."""
    hints = typing.get_type_hints(kind)
    assert {name for name, hint in hints.items() if holds_members(hint)} == set(CHILDREN[kind])


def test_the_walk_knows_every_type() -> None:
    """A new wire type has to be in the table."""
    declared = {kind for kind in vars(chat_types).values() if isinstance(kind, type) and issubclass(kind, Members)}
    assert declared | {CompletionRequest, EmbeddingsRequest, TokenizerRequest} == {*CHILDREN, Members}


def test_null_members_are_absent_where_all_are_passed() -> None:
    """A service may refuse what it does not know, whatever its value is (contract 0.6)."""
    request = chat(novelty=None, other=1)
    assert unknown(request, shipped("generic")).request.unknown == {"other": 1}
    assert request.unknown == {"novelty": None, "other": 1}
