"""The length of answers, under both of its names (contract rows N4, N5)."""

from __future__ import annotations

import pytest

from glmgate.adaptation.fit import fit
from tests.adaptation.requests import BARE, PROFILE, chat, fitted_chat, fitted_completion, noted


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
