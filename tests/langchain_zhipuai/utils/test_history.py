"""Lines of a conversation in all their forms."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, ChatMessage, HumanMessage, RemoveMessage, SystemMessage

from langchain_zhipuai.utils import History


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("user", "Hello"), ("human", "Hello")),
        (["assistant", "Hi"], ("ai", "Hi")),
        ({"role": "system", "content": "Be kind."}, ("system", "Be kind.")),
        (HumanMessage("Hello"), ("human", "Hello")),
        (AIMessage("Hi"), ("ai", "Hi")),
        (AIMessageChunk(content="Hi"), ("ai", "Hi")),
        (SystemMessage("Be kind."), ("system", "Be kind.")),
        (ChatMessage(role="user", content="Hello"), ("human", "Hello")),
        (History(role="human", content="Hello"), ("human", "Hello")),
        (HumanMessage([{"type": "text", "text": "a"}]), ("human", [{"type": "text", "text": "a"}])),
    ],
    ids=repr,
)
def test_every_form_is_read(given: Any, told: tuple[str, Any]) -> None:
    """And told as LangChain takes it."""
    assert History.from_data(given).to_msg_tuple() == told


@pytest.mark.parametrize("given", ["Hello", ("user",), None, 1])
def test_other_forms_are_refused(given: Any) -> None:
    """With the forms that there are."""
    with pytest.raises(TypeError, match="no line of a history; give"):
        History.from_data(given)


def test_messages_that_nobody_said() -> None:
    """They have no role."""
    with pytest.raises(TypeError, match="type 'remove' has no role"):
        History.from_message(RemoveMessage("1"))


def test_roles_that_are_no_part_of_a_history() -> None:
    """A tool's result means nothing without its call."""
    with pytest.raises(ValueError, match="role 'tool' has no place in a history; it is one of assistant"):
        History(role="tool", content="ok").to_msg_tuple()


def test_a_raw_text_has_no_variables() -> None:
    """Braces in it are braces."""
    message = History(role="ai", content="{x} {{y}} {% z %}").to_msg_template().format()
    assert isinstance(message, ChatMessage)
    assert (message.content, message.role) == ("{x} {{y}} {% z %}", "assistant")


def test_a_template_has() -> None:
    """In Jinja's words, as it always had."""
    message = History(role="human", content="Hello {{ name }}").to_msg_template(is_raw=False).format(name="Ann")
    assert isinstance(message, ChatMessage)
    assert (message.content, message.role) == ("Hello Ann", "user")


def test_only_a_text_is_a_template() -> None:
    """Parts are not."""
    with pytest.raises(TypeError, match="only a text"):
        History(role="user", content=[]).to_msg_template()
