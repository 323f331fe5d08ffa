"""What the guard promises: special tokens become text, and every text comes back byte for byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.guard import JOINER, Guard, GuardStream, guard_of
from tests.adaptation.requests import TOKENS

# Overlapping tokens, one inside another, one the beginning of another: the hard cases.
NASTY = ("<a<", "<b>", "<a<b>", "aab", "abaab", "<ab", "<abc>")

PIECES = st.sampled_from(
    [*TOKENS, *NASTY, "<", ">", "|", "a", "b", "<a", "user", "[", "gMASK", JOINER, JOINER * 3, "\n", "é", "😀"]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)
GUARDS = st.sampled_from([Guard(TOKENS), Guard(NASTY), Guard((*TOKENS, *NASTY))])


def cut(text: str, places: list[int]) -> list[str]:
    """`text` in pieces."""
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(edges)]


@given(GUARDS, TEXTS)
def test_any_text_comes_back(guard: Guard, text: str) -> None:
    """Putting joiners in and taking them out gives the text byte for byte, whatever joiners it had."""
    assert guard.take_out(guard.put_in(text)) == text


@given(TEXTS)
def test_no_special_token_is_left(text: str) -> None:
    """A guarded text holds none of the tokens."""
    guarded = Guard((*TOKENS, *NASTY)).put_in(text)
    assert not [token for token in (*TOKENS, *NASTY) if token in guarded]


@given(st.text())
def test_other_text_stays_as_it_is(text: str) -> None:
    """Text without special tokens is not touched."""
    guard = Guard(TOKENS)
    if not any(token in text.replace(JOINER, "") for token in TOKENS):
        assert guard.put_in(text) == text


@given(GUARDS, TEXTS, st.lists(st.integers(0, 1000), max_size=12))
def test_a_stream_gives_what_the_whole_gives(guard: Guard, text: str, places: list[int]) -> None:
    """Taking joiners out piece by piece gives the same as at once, wherever the text is cut."""
    stream = GuardStream(guard)
    after = "".join(stream.feed(piece) for piece in cut(text, places)) + stream.flush()
    assert after == guard.take_out(text)


@given(GUARDS, TEXTS)
def test_a_stream_holds_only_what_may_become_a_token(guard: Guard, text: str) -> None:
    """What is held back is shorter than a token, joiners aside."""
    stream = GuardStream(guard)
    given_out = sum(len(stream.feed(character).replace(JOINER, "")) for character in text)
    held = stream.flush().replace(JOINER, "")
    assert given_out + len(held) == len(text.replace(JOINER, ""))
    assert len(held) < max(len(token) for token in (*TOKENS, *NASTY))


def test_the_joiner_stands_after_the_first_character() -> None:
    """One joiner splits a token; one that has joiners gets one more."""
    guard = Guard(TOKENS)
    assert guard.put_in("say <think> now") == f"say <{JOINER}think> now"
    assert guard.put_in(f"<{JOINER}think>") == f"<{JOINER}{JOINER}think>"


def test_ordinary_text_is_not_held() -> None:
    """A piece that cannot be the beginning of a guarded token goes out at once."""
    stream = GuardStream(Guard(TOKENS))
    assert stream.feed("1 < 2 and ") == "1 < 2 and "
    assert stream.feed("a<") == "a"
    assert stream.feed("b") == "<b"


@pytest.mark.parametrize("token", ["", "ab", "   ", "\n\n\n", "\u2581\u2581\u2581", f"<{JOINER}x>"])
def test_some_tokens_are_not_guarded(token: str) -> None:
    """Short tokens, blank ones and those with a joiner of their own are left alone."""
    assert Guard((token,)).put_in(f"x{token}y") == f"x{token}y"


def test_a_long_run_of_joiners_is_judged_in_linear_time() -> None:
    """A model that says nothing but joiners does not make each read slower than the one before."""
    stream = GuardStream(Guard(TOKENS))
    stream.feed("<")
    assert [stream.feed(JOINER) for _ in range(50_000)] == [""] * 50_000
    assert stream.feed("think>") == "<" + JOINER * 49_999 + "think>"


def test_every_string_of_a_tree_is_guarded() -> None:
    """Keys and values are guarded at every level, other values stay."""
    tree = {"<think>": [1, None, {"a": "<sop>"}]}
    assert Guard(TOKENS).put_in_all(tree) == {f"<{JOINER}think>": [1, None, {"a": f"<{JOINER}sop>"}]}


def test_a_model_without_special_tokens_has_nothing_to_guard() -> None:
    """No tokens, no change, and nothing is held."""
    guard = guard_of(())
    assert guard.put_in("<think>") == "<think>"
    assert guard.take_out(f"<{JOINER}think>") == f"<{JOINER}think>"
    assert GuardStream(guard).feed("<") == "<"
