"""Log probabilities leave with the text that they belong to."""

from __future__ import annotations

from typing import Any

from glmgate.adaptation.held_logprobs import HeldLogprobs


def told(released: dict[str, Any] | None) -> list[str]:
    """The tokens of what was released."""
    return [entry["token"] for entry in released["content"]] if released else []


def test_tokens_leave_as_their_text_leaves() -> None:
    """A token is released once its first character has gone out."""
    held = HeldLogprobs()
    held.hold("abcd", {"content": [{"token": "ab"}, {"token": "cd"}], "refusal": None})
    assert told(held.release(0)) == []
    assert told(held.release(2)) == ["ab"]
    assert told(held.release(1)) == ["cd"]


def test_tokens_that_do_not_make_up_the_text_stay_together() -> None:
    """Where tokens and text differ (cut characters), a piece's tokens are released as one."""
    held = HeldLogprobs()
    held.hold("é", {"content": [{"token": "\ufffd"}, {"token": "\ufffd"}]})
    assert told(held.release(1)) == ["\ufffd", "\ufffd"]


def test_pieces_are_joined_in_their_order() -> None:
    """Several pieces that leave at once are one list."""
    held = HeldLogprobs()
    for token in ("a", "b", "c"):
        held.hold(token, {"content": [{"token": token}]})
    assert told(held.release(3)) == ["a", "b", "c"]
