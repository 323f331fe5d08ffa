"""The length of conversations, and of answers under both of its names (contract rows N4, N5)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.fit import fit, fit_tokenizer
from glmgate.errors import ContextLengthExceeded
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.adaptation.requests import BARE, PROFILE, chat, completion, fitted_chat, fitted_completion, noted


@pytest.mark.parametrize(
    ("members", "limit"),
    [
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 10}, 10),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 10),
        ({"max_tokens": 20, "max_completion_tokens": 10}, 10),
        ({}, None),
    ],
)
def test_the_smaller_of_both_holds(members: dict[str, int], limit: int | None) -> None:
    """Both names mean the same here, and one field is sent."""
    fitted = fitted_chat(PROFILE, **members)
    assert (fitted.max_tokens, fitted.max_completion_tokens) == (limit, None)


def test_the_newer_name_is_reported() -> None:
    """A rename is said, and exact."""
    (note,) = fit(chat(max_completion_tokens=10), PROFILE).notes
    assert (str(note), note.exact) == ("max_completion_tokens=max_tokens", True)


def test_more_than_the_model_has_is_clamped() -> None:
    """The context ends there anyway, so nothing is lost."""
    fitted = fit(chat(max_tokens=200_000), PROFILE)
    assert noted(fitted) == ["max_tokens=200000->4096"]
    assert fitted.notes[0].exact


def test_enormous_lengths_do_not_overflow() -> None:
    """Without a known context the number stays within 32 bits."""
    assert fitted_chat(BARE, max_tokens=2**40).max_tokens == 2**31 - 1
    assert fitted_completion(BARE, max_tokens=2**40).max_tokens == 2**31 - 1


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "a"}


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "a"}] * 4097,
        [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [CALL] * 4094}, RESULT],
    ],
    ids=["messages", "calls"],
)
def test_more_turns_than_tokens_are_refused_unseen(messages: list[dict[str, Any]]) -> None:
    """The engine would take its time to find out; a count of their tokens would cost the same."""
    with pytest.raises(ContextLengthExceeded, match="4096 tokens, but there are 4097 messages and calls") as caught:
        fit(chat(messages=messages), PROFILE)
    assert caught.value.param == "messages"
    with pytest.raises(ContextLengthExceeded):
        fit_tokenizer(convert({"model": "m", "messages": messages}, TokenizerRequest), PROFILE)


def test_as_many_turns_as_tokens_are_left_to_the_engine() -> None:
    """It alone knows how many tokens they make; where the context is not known, there is nothing to compare with."""
    user = {"role": "user", "content": "a"}
    assert len(fitted_chat(PROFILE, messages=[user] * 4096).messages) == 4096
    assert len(fitted_chat(BARE, messages=[user] * 4097).messages) == 4097


def test_a_text_that_cannot_fit_is_refused_at_once() -> None:
    """The engine would need half a minute to find out; as long as it may fit, only the engine knows."""
    profile = msgspec.structs.replace(PROFILE, context_length=10, longest_token=4)
    for refused in (chat(messages=[{"role": "user", "content": "a" * 41}]), completion(prompt="a" * 41)):
        with pytest.raises(ContextLengthExceeded, match="41 characters, which are at least 11 tokens"):
            fit(refused, profile)
    for passed in (chat(messages=[{"role": "user", "content": "a" * 40}]), completion(prompt="a" * 40)):
        assert fit(passed, profile).request.model == "m"
