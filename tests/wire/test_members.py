"""Typed objects keep what they do not know, take null for absent, and name the member that is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import BodyUnreadable, InvalidRequest, MissingParameter
from glmgate.wire.chat import ChatRequest
from glmgate.wire.members import MAX_DEPTH, MAX_VALUES, plain, read, write

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def chat(**members: object) -> ChatRequest:
    """A chat request read from JSON, with `members` added to the smallest one."""
    return read(msgspec.json.encode(HELLO | members), ChatRequest)


def test_unknown_members_survive_at_every_level() -> None:
    """What we do not know comes out where it went in."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "audio", "audio": {"x": [1]}}], "mood": "good"}],
        "tools": [{"type": "web_search", "web_search": {"enable": True}}],
        "thinking": {"type": "enabled", "budget": 5},
        "meta": {"user_name": "n"},
    }
    assert plain(read(msgspec.json.encode(body), ChatRequest)) == body


def test_null_is_absent() -> None:
    """Two official SDKs send nulls on every call (contract 0.6)."""
    assert chat(thinking=None, response_format=None, temperature=None) == chat()


def test_a_wrong_type_names_the_member() -> None:
    """`param` is the path, and the message says what was expected."""
    with pytest.raises(InvalidRequest, match="Expected str") as caught:
        chat(messages=[{"role": "user", "content": "a"}, {"role": "user", "content": 5}])
    assert caught.value.param == "messages[1].content"


def test_an_unknown_role_is_refused() -> None:
    """Roles are a closed set."""
    with pytest.raises(InvalidRequest) as caught:
        chat(messages=[{"role": "wizard", "content": "a"}])
    assert caught.value.param == "messages[0].role"


def test_a_missing_member_is_named() -> None:
    """What is needed and absent is code 1213."""
    with pytest.raises(MissingParameter) as caught:
        read(b'{"messages": []}', ChatRequest)
    assert (caught.value.param, caught.value.zai_code) == ("model", "1213")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"nan",
        b"\xff\xfe",
        b'{"model": "\\ud800", "messages": []}',
        b'{"model": "m", "messages": [], "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"model": "m", "messages": [], "x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b'{"model": "m", "messages": [], "temperature": 1e999}',
    ],
)
def test_what_is_no_readable_object_is_a_clear_refusal(body: bytes) -> None:
    """Broken JSON, other values, bad UTF-8, lone surrogates, endless nesting and endless numbers are all 400."""
    with pytest.raises(InvalidRequest) as caught:
        read(body, ChatRequest)
    assert caught.value.status == 400


@pytest.mark.parametrize("half", [rb"\ud83d", rb"\ud83dx", rb"\uDE00", rb"\ud83d\ud83d\ude00"])
def test_half_of_a_surrogate_pair_is_called_so(half: bytes) -> None:
    """The usual reason is a client that cut a text in the middle of an emoji."""
    with pytest.raises(InvalidRequest, match="half of a surrogate pair"):
        read(b'{"model": "' + half + b'", "messages": []}', ChatRequest)


def test_whole_surrogate_pairs_are_text() -> None:
    """Many clients write every character beyond ASCII so."""
    assert read(rb'{"model": "\ud83d\ude00", "messages": []}', ChatRequest).model == "\U0001f600"
    with pytest.raises(InvalidRequest, match="truncated"):
        read(rb'{"model": "\ud83d\ude00', ChatRequest)


def test_as_deep_as_allowed_is_read() -> None:
    """The bound counts the body itself as the first level."""
    body = b'{"model": "m", "messages": [], "x": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    assert write(read(body, ChatRequest)).count(b"[") == MAX_DEPTH


def test_too_many_values_are_refused_before_they_are_read() -> None:
    """They would keep the event loop for seconds, and everybody else's streams with it."""
    body = b'{"model": "m", "messages": [], "x": [' + b"[]," * MAX_VALUES + b"0]}"
    with pytest.raises(BodyUnreadable, match="200000 values"):
        read(body, ChatRequest)


def test_a_long_text_is_one_value() -> None:
    """Commas and brackets inside of text count for nothing, quotes in it included."""
    text = 'a,"[{,' * MAX_VALUES
    assert chat(messages=[{"role": "user", "content": text}]).messages[0].content == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
STRANGE = st.dictionaries(st.text(min_size=1, max_size=6).map(lambda name: f"x_{name}"), JSON, max_size=3)


@given(STRANGE, STRANGE, STRANGE)
def test_any_unknown_members_survive(top: dict[str, Any], inner: dict[str, Any], deep: dict[str, Any]) -> None:
    """Whatever strangers put beside what we know comes out again, null included."""
    body = {
        "model": "m",
        "messages": [
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", **deep}}], **inner},
        ],
        **top,
    }
    assert msgspec.json.decode(write(read(msgspec.json.encode(body), ChatRequest))) == body
