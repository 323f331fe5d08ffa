"""From steps to messages: standard ones, in which every observation is found again."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_classic.agents.output_parsers.tools import ToolAgentAction
from langchain_core.agents import AgentAction
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_zhipuai.agent_toolkits import BaseToolOutput
from langchain_zhipuai.agents.format_scratchpad import format_to_zhipuai_all_tool_messages
from langchain_zhipuai.agents.output_parsers.zhipuai_all_tools import ACTIONS
from langchain_zhipuai.chat_models.all_tools_message import ALL_TOOLS


def action(tool: str, given: Any, key: str | None, *log: BaseMessage) -> ToolAgentAction:
    """An action as the parser makes it."""
    kind = ACTIONS.get(tool, ToolAgentAction)
    return kind(tool=tool, tool_input=given, log="", message_log=log, tool_call_id=key)


def test_a_functions_step() -> None:
    """The model's own message with its call, and a message of the tool that names it."""
    said = AIMessage(
        "Let me see.",
        id="run-1",
        additional_kwargs={"reasoning_content": "Hm.", "tool_calls": ["raw"], ALL_TOOLS: ["raw"]},
        response_metadata={"finish_reason": "tool_calls"},
        tool_calls=[{"name": "shell", "args": {"query": "ls"}, "id": "call_1"}],
    )
    asked, gave = format_to_zhipuai_all_tool_messages([(action("shell", {"query": "ls"}, "call_1", said), "a.txt")])
    assert isinstance(asked, AIMessage)
    assert (asked.content, asked.id, asked.tool_calls) == (said.content, said.id, said.tool_calls)
    assert asked.additional_kwargs == {"reasoning_content": "Hm."}
    assert gave == ToolMessage("a.txt", tool_call_id="call_1", name="shell")


def test_calls_of_one_message_stay_together() -> None:
    """One message of the model, then what each tool gave."""
    said = AIMessage("", id="run-1")
    steps = [(action("a", {}, "call_1", said), "1"), (action("b", {}, "call_2", said), "2")]
    asked, *gave = format_to_zhipuai_all_tool_messages(steps)
    assert isinstance(asked, AIMessage)
    assert [call["id"] for call in asked.tool_calls] == ["call_1", "call_2"]
    assert [each.content for each in gave] == ["1", "2"]


def test_the_same_question_twice_is_two_turns() -> None:
    """Also where a service gives its calls the same ids again: no observation takes another one's place."""
    said = AIMessage("", id="run-1")
    steps = [(action("a", {}, "call_1", said), "1"), (action("a", {}, "call_1", said), "1")]
    messages = format_to_zhipuai_all_tool_messages(steps)
    assert [each.type for each in messages] == ["ai", "tool", "ai", "tool"]


def test_only_answered_calls_are_told() -> None:
    """Services refuse a call without a result; steps may have been trimmed."""
    said = AIMessage(
        "", tool_calls=[{"name": "a", "args": {}, "id": "call_1"}, {"name": "b", "args": {}, "id": "call_2"}]
    )
    asked, gave = format_to_zhipuai_all_tool_messages([(action("b", {}, "call_2", said), "2")])
    assert isinstance(asked, AIMessage)
    assert [call["id"] for call in asked.tool_calls] == ["call_2"]
    assert isinstance(gave, ToolMessage)


def test_a_built_in_tools_step_is_told_like_a_functions() -> None:
    """Every chat API takes that, and the model sees what it asked for and what came of it."""
    step = action("code_interpreter", "6 * 7", "call_1", AIMessage(""))
    asked, gave = format_to_zhipuai_all_tool_messages([(step, BaseToolOutput("42\n"))])
    assert isinstance(asked, AIMessage)
    (call,) = asked.tool_calls
    assert (call["name"], call["args"], call["id"]) == ("code_interpreter", {"input": "6 * 7"}, "call_1")
    assert gave == ToolMessage("42\n", tool_call_id="call_1", name="code_interpreter")


def test_a_single_argument_goes_back_under_langchains_name() -> None:
    """As it came."""
    asked, _ = format_to_zhipuai_all_tool_messages([(action("old", "text", None), "1")])
    assert isinstance(asked, AIMessage)
    assert asked.tool_calls[0]["args"] == {"__arg1": "text"}
    assert asked.tool_calls[0]["id"]


def test_an_action_without_a_tool() -> None:
    """What was wrong with an answer (`handle_parsing_errors`) is told as the user's word, not lost."""
    steps = [(AgentAction("_Exception", "call it again", "a broken answer"), "call it again")]
    assert format_to_zhipuai_all_tool_messages(steps) == [AIMessage("a broken answer"), HumanMessage("call it again")]


def test_what_the_model_reads_of_an_observation() -> None:
    """A text as it is, an output by its own word, anything else as JSON or at least as a text."""
    given = ["text", BaseToolOutput([1], format="json"), {"städte": 1}, {1, 2}, None]
    steps = [(action("a", {}, f"call_{place}", AIMessage("")), each) for place, each in enumerate(given)]
    told = [each.content for each in format_to_zhipuai_all_tool_messages(steps) if isinstance(each, ToolMessage)]
    assert told == ["text", "[\n  1\n]", '{"städte": 1}', "{1, 2}", "null"]


def test_no_steps() -> None:
    """There is nothing to tell."""
    assert format_to_zhipuai_all_tool_messages([]) == []


TOOLS = st.sampled_from(["shell", "code_interpreter", "web_browser"])


@given(st.lists(st.lists(st.tuples(TOOLS, st.sampled_from(["1", "2", "3"])), min_size=1, max_size=4), max_size=4))
def test_every_observation_answers_a_call_before_it(turns: list[list[tuple[str, str]]]) -> None:
    """Whatever ids the calls have: each result names a call of the message before, and none is missing."""
    steps = []
    for place, calls in enumerate(turns):
        said = AIMessage("", id=f"run-{place % 2}")
        steps += [(action(tool, {}, key, said), f"{place}.{step}") for step, (tool, key) in enumerate(calls)]
    messages = format_to_zhipuai_all_tool_messages(steps)
    assert [each.content for each in messages if isinstance(each, ToolMessage)] == [given for _, given in steps]
    open_ids: set[str] = set()
    for message in messages:
        if isinstance(message, AIMessage):
            assert not open_ids
            open_ids = {str(call["id"]) for call in message.tool_calls}
            assert len(open_ids) == len(message.tool_calls) > 0
        elif isinstance(message, ToolMessage):
            open_ids.remove(message.tool_call_id)
    assert not open_ids
