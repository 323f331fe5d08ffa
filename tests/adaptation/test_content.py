"""Contents become one text each (contract row C9)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.fit import fit
from glmgate.errors import MissingParameter, UnsupportedValue
from tests.adaptation.requests import PROFILE, chat, fitted_chat, noted


def user(content: object) -> dict[str, Any]:
    """One message of the user."""
    return {"role": "user", "content": content}


def test_parts_are_joined() -> None:
    """Text models read one string; parts stay apart in it."""
    fitted = fit(chat(messages=[user([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}])]), PROFILE)
    assert getattr(fitted.request, "messages", None)[0].content == "one\ntwo"  # type: ignore[index]
    assert noted(fitted) == ["messages.content=joined"]


def test_one_part_is_its_text() -> None:
    """There is nothing to join and nothing to say."""
    fitted = fit(chat(messages=[user([{"type": "text", "text": "one"}])]), PROFILE)
    assert fitted.notes == ()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "novelty"},
    ],
)
def test_other_parts_are_refused(part: dict[str, Any]) -> None:
    """The engine answers 500 to an image (engine facts 3, behaviour 3); we say which part it is."""
    with pytest.raises(UnsupportedValue) as raised:
        fit(chat(messages=[user("a"), user([{"type": "text", "text": "b"}, part])]), PROFILE)
    assert raised.value.param == "messages[1].content[1].type"


def test_a_text_part_has_a_text() -> None:
    """What is missing is named."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(messages=[user([{"type": "text"}])]), PROFILE)
    assert raised.value.param == "messages[0].content[0].text"


@pytest.mark.parametrize("role", ["user", "system"])
def test_somebody_who_speaks_says_something(role: str) -> None:
    """Only assistants and tools may be silent."""
    with pytest.raises(MissingParameter) as raised:
        fit(chat(messages=[{"role": role, "content": None}]), PROFILE)
    assert raised.value.param == "messages[0].content"


@pytest.mark.parametrize("role", ["assistant", "tool"])
def test_null_is_the_empty_text(role: str) -> None:
    """Assistants that only called something have null there."""
    assert fitted_chat(messages=[user("a"), {"role": role, "content": None}, user("b")]).messages[1].content == ""


def test_the_last_words_of_the_assistant_are_one_message() -> None:
    """The engine refuses two assistant messages at the end, so they are joined, and it is said."""
    fitted = fit(chat(messages=[user("a"), *({"role": "assistant", "content": text} for text in "bcd")]), PROFILE)
    messages = getattr(fitted.request, "messages", [])
    assert [message.content for message in messages] == ["a", "b\nc\nd"]
    assert noted(fitted) == ["messages.role=joined"]
