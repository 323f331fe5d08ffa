"""Log probabilities in the older form."""

from __future__ import annotations

from glmgate.wire.legacy_logprobs import legacy, modern

CHAT = {
    "content": [
        {"token": "a", "logprob": -0.1, "top_logprobs": [{"token": "b", "logprob": -0.05}]},
        {"token": "bc", "logprob": -0.2, "top_logprobs": []},
    ]
}


def test_the_four_lists_are_as_long_as_there_are_tokens() -> None:
    """Offsets are in characters of the text, and the token that was taken is among the likeliest that are told."""
    assert legacy(CHAT, offset=5) == {
        "tokens": ["a", "bc"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"b": -0.05, "a": -0.1}, {}],
        "text_offset": [5, 6],
    }


def test_without_logprobs_there_are_none() -> None:
    """Whoever did not ask gets null."""
    assert legacy(None, offset=0) is None


def test_the_older_form_becomes_the_chat_form_and_back() -> None:
    """Nothing is lost on the way; the first token of an echoed prompt has no probability."""
    likeliest = {"llo": -0.5, "y": -2.0}
    older = {"tokens": ["He", "llo"], "token_logprobs": [None, -0.5], "text_offset": [0, 2]}
    back = legacy(modern(older | {"top_logprobs": [None, likeliest]}), offset=0)
    assert back == older | {"top_logprobs": [{}, likeliest]}
