"""Switches of one request, from header and body."""

from __future__ import annotations

import pytest

from glmgate.errors import InvalidRequest
from glmgate.surfaces.switches import switch

NAME = "x-glmgate-cache"


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("on", True),
        ("1", True),
        (" ON ", True),
        ("true", True),
        ("off", False),
        ("0", False),
        ("No", False),
        ("", None),
    ],
)
def test_a_header_switches(word: str, wanted: bool | None) -> None:
    """On and off in the words that people use, in any case; an empty header says nothing."""
    assert switch({NAME.encode(): word.encode()}, NAME, in_body=None) is wanted


def test_nothing_said_is_none() -> None:
    """Then settings decide."""
    assert switch({}, NAME, in_body=None) is None


@pytest.mark.parametrize("in_body", [True, False])
def test_the_body_wins(in_body: bool) -> None:
    """It was written for this request; a header may be every request's."""
    assert switch({NAME.encode(): b"off" if in_body else b"on"}, NAME, in_body=in_body) is in_body


def test_another_word_is_refused() -> None:
    """A misspelt wish must not be a silent one."""
    with pytest.raises(InvalidRequest, match=r"'maybe'.*'on' or 'off'") as caught:
        switch({NAME.encode(): b"maybe"}, NAME, in_body=None)
    assert caught.value.param == NAME
