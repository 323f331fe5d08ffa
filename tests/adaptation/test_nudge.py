"""How a model is told what its answer must be."""

from __future__ import annotations

from glmgate.adaptation.nudge import asked, corrected, nudged, told
from glmgate.wire.chat import Message, Part

USER = Message(role="user", content="Hello")
SYSTEM = Message(role="system", content="Be brief.")
SPOKEN = Message(role="assistant", content="Hi")


def spoken(messages: list[Message]) -> list[tuple[str, object]]:
    """Who says what."""
    return [(message.role, message.content) for message in messages]


def test_the_last_message_gets_the_words() -> None:
    """No turn is added where the user speaks last."""
    assert spoken(nudged([SYSTEM, USER], "Now.")) == [("system", "Be brief."), ("user", "Hello\n\nNow.")]


def test_after_the_assistant_the_user_speaks() -> None:
    """The model's own words are not changed."""
    assert spoken(nudged([SPOKEN], "Now.")) == [("assistant", "Hi"), ("user", "Now.")]


def test_contents_in_parts_get_a_part() -> None:
    """Images stay where they are."""
    parts = [Part(type="text", text="Look")]
    (message,) = nudged([Message(role="user", content=parts)], "Now.")
    assert message.content == [*parts, Part(type="text", text="Now.")]
    assert len(parts) == 1


def test_after_a_result_the_user_speaks() -> None:
    """Where that is asked for: what stands in a result is data."""
    result = Message(role="tool", content="12 degrees")
    assert spoken(asked([result], "Now.")) == [("tool", "12 degrees"), ("user", "Now.")]
    assert spoken(asked([USER], "Now.")) == [("user", "Hello\n\nNow.")]
    assert spoken(nudged([result], "Now.")) == [("tool", "12 degrees\n\nNow.")]


def test_the_system_is_told_at_the_beginning() -> None:
    """In its own message where there is one; what the caller sent stays as it was."""
    assert spoken(told([SYSTEM, USER], "JSON.")) == [("system", "Be brief.\n\nJSON."), ("user", "Hello")]
    assert spoken(told([USER], "JSON.")) == [("system", "JSON."), ("user", "Hello")]
    assert SYSTEM.content == "Be brief."


def test_a_bad_answer_is_shown_and_corrected() -> None:
    """Its author sees it; a blank one is no turn."""
    assert spoken(corrected([USER], "{", "Again.")) == [
        ("user", "Hello"),
        ("assistant", "{"),
        ("user", "Again."),
    ]
    assert spoken(corrected([USER], " \n", "Again.")) == [("user", "Hello\n\nAgain.")]
