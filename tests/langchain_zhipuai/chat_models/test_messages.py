"""Messages of LangChain as the wire has them."""

from __future__ import annotations

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_zhipuai.chat_models.messages import wire_message, wire_messages


def test_the_roles_are_glm_s() -> None:
    """`developer` is refused there, and the words of LangChain are not known (contract row N7)."""
    messages: list[BaseMessage] = [
        SystemMessage("Be brief."),
        HumanMessage("Hello", name="ann"),
        AIMessage("Hi."),
        ChatMessage(content="One.", role="developer"),
        ChatMessage(content="Two.", role="human"),
        ChatMessage(content="Three.", role="critic"),
    ]
    assert wire_messages(messages) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "system", "content": "One."},
        {"role": "user", "content": "Two."},
        {"role": "critic", "content": "Three."},
    ]


def test_calls_and_their_results() -> None:
    """Arguments travel as a text, Chinese as it is; a result may be a list of texts."""
    asked = AIMessage("", tool_calls=[{"name": "find", "args": {"name": "你好"}, "id": "call_1"}])
    result = ToolMessage(["one", {"type": "text", "text": "two"}], tool_call_id="call_1", name="find")
    assert wire_messages([asked, result]) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"name": "你好"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "name": "find", "content": "one\ntwo"},
    ]


def test_a_call_that_was_no_json_goes_back_as_it_was() -> None:
    """So that the model sees what it did."""
    asked = AIMessage("", invalid_tool_calls=[{"name": "find", "args": "{oops", "id": "1", "error": "no JSON"}])
    (call,) = wire_message(asked)["tool_calls"]
    assert call["function"] == {"name": "find", "arguments": "{oops"}


def test_thoughts_go_back_with_what_was_said() -> None:
    """From wherever they stand: the answer as it came, or its blocks."""
    kept = AIMessage("Yes.", additional_kwargs={"reasoning_content": "Hm."})
    block = AIMessage([{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}])
    for message in (kept, block):
        assert wire_message(message) == {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    both = AIMessageChunk(content=block.content, additional_kwargs=kept.additional_kwargs)
    assert wire_message(both)["reasoning_content"] == "Hm."


def test_a_name_of_the_assistant_is_kept() -> None:
    """Several assistants in one conversation are told apart by it."""
    assert wire_message(AIMessage("Hi.", name="bob"))["name"] == "bob"


def test_functions_of_old_are_tools_of_today() -> None:
    """A function message finds its call by the name, having nothing else (contract row C7)."""
    asked = AIMessage("", additional_kwargs={"function_call": {"name": "find", "arguments": "{}"}})
    call, result = wire_messages([asked, FunctionMessage(content="found", name="find")])
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] == "call_find"
    assert (result["role"], result["content"]) == ("tool", "found")


def test_a_function_message_answers_the_call_that_has_an_id() -> None:
    """The answers of `bind_functions` have calls as well: the result names the last one of its function."""
    asked = AIMessage(
        "",
        additional_kwargs={"function_call": {"name": "find", "arguments": "{}"}},
        tool_calls=[{"name": "find", "args": {}, "id": "call_1"}],
    )
    result = FunctionMessage(content="found", name="find")
    again = asked.model_copy(update={"tool_calls": [{"name": "find", "args": {}, "id": "call_2"}]})
    other = FunctionMessage(content="12:00", name="clock")
    told = wire_messages([asked, result, again, result, other])
    assert [each["tool_call_id"] for each in told if each["role"] == "tool"] == ["call_1", "call_2", "call_clock"]


def test_what_is_no_message_of_a_chat_is_named() -> None:
    """Such as an order to a graph's memory."""
    with pytest.raises(ValueError, match="'remove' has no place"):
        wire_message(RemoveMessage(id="1"))
