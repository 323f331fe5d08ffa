"""From messages to actions: every call is one, in its order, with an id that nothing else has."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from langchain_classic.agents.output_parsers.tools import ToolAgentAction
from langchain_core.agents import AgentFinish
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, Generation

from langchain_zhipuai.actions import BuiltInAgentAction, CodeInterpreterAgentAction, WebBrowserAgentAction
from langchain_zhipuai.agents.output_parsers import ZhipuAiALLToolsAgentOutputParser
from langchain_zhipuai.chat_models.all_tools_message import ALL_TOOLS
from langchain_zhipuai.chat_models.answers import StreamReader, whole_messages


def parsed(message: AIMessage) -> list[ToolAgentAction]:
    """The actions of a message that has some."""
    actions = ZhipuAiALLToolsAgentOutputParser().parse_result([ChatGeneration(message=message)])
    assert isinstance(actions, list)
    assert all(isinstance(action, ToolAgentAction) for action in actions)
    return [action for action in actions if isinstance(action, ToolAgentAction)]


def function(name: str, key: str | None = "call_f") -> dict[str, Any]:
    """A function's call on the wire."""
    return {"id": key, "type": "function", "function": {"name": name, "arguments": '{"n": 1}'}}


def built_in(kind: str, given: str, key: str | None = "call_b", outputs: list[dict[str, Any]] | None = None) -> Any:
    """A built-in tool's call on the wire, whole."""
    return {"id": key, "type": kind, kind: {"input": given} | ({} if outputs is None else {"outputs": outputs})}


def whole(*calls: dict[str, Any], content: str = "") -> AIMessage:
    """The message of a plain answer."""
    said = {"role": "assistant", "content": content, "tool_calls": list(calls)}
    (message,) = whole_messages({"choices": [{"message": said, "finish_reason": "tool_calls"}]})
    return message


def streamed(*calls: dict[str, Any]) -> AIMessage:
    """The message of a stream in which every piece of a call has a chunk of its own."""
    reader = StreamReader("glm-4-alltools")
    pieces = [piece for call in calls for piece in apart(call)]
    chunks = [reader.read({"choices": [{"delta": {"tool_calls": [piece]}}]}) for piece in pieces]
    total = None
    for chunk in [*chunks, reader.last()]:
        if chunk is not None:
            total = chunk if total is None else total + chunk
    assert isinstance(total, AIMessage)
    return total


def apart(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The input of a built-in call, and then its outputs; a function's call stays whole."""
    body = call.get(call["type"], {})
    if "outputs" not in body:
        return [call]
    later = {"type": call["type"], call["type"]: {"outputs": body["outputs"]}}
    return [call | {call["type"]: {"input": body["input"]}}, later]


def test_a_message_without_calls_is_the_end() -> None:
    """Its text is the output, also where it is made of parts."""
    parser = ZhipuAiALLToolsAgentOutputParser()
    contents: Any = ("Hello", [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}])
    for content in contents:
        finish = parser.parse_result([ChatGeneration(message=AIMessage(content))])
        assert isinstance(finish, AgentFinish)
        assert finish.return_values == {"output": "Hello"}


def test_a_functions_call() -> None:
    """Its arguments are the input; the message is kept."""
    message = whole(function("shell"), content="Let me see.")
    (action,) = parsed(message)
    assert (action.tool, action.tool_input, action.tool_call_id) == ("shell", {"n": 1}, "call_f")
    assert list(action.message_log) == [message]
    assert action.log.startswith("Let me see.\n")
    assert "'shell'" in action.log


def test_the_one_argument_of_a_tool_without_a_schema() -> None:
    """LangChain writes it under a name of its own."""
    (action,) = parsed(AIMessage("", tool_calls=[{"name": "old", "args": {"__arg1": "text"}, "id": "call_1"}]))
    assert action.tool_input == "text"


@pytest.mark.parametrize("made", [whole, streamed])
def test_built_in_calls(made: Any) -> None:
    """With what the service has run, or without."""
    code, web = parsed(
        made(
            built_in("code_interpreter", "1 + 1", "call_1"), built_in("web_browser", "cats", "call_2", [{"title": "a"}])
        )
    )
    assert isinstance(code, CodeInterpreterAgentAction)
    assert (code.tool_input, code.outputs, code.tool_call_id) == ("1 + 1", None, "call_1")
    assert isinstance(web, WebBrowserAgentAction)
    assert (web.tool_input, web.outputs, web.tool_call_id) == ("cats", [{"title": "a"}], "call_2")
    assert "1 + 1" in code.log


@pytest.mark.parametrize("arguments", ['{"query": ', '{"query": "rm -r a', "[1]"])
@pytest.mark.parametrize("made", [whole, streamed])
def test_arguments_that_are_no_json_are_the_models_fault(made: Any, arguments: str) -> None:
    """The agent may tell the model (`handle_parsing_errors`); it neither ends in silence nor runs half a call."""
    call = {"id": "call_1", "type": "function", "function": {"name": "shell", "arguments": arguments}}
    with pytest.raises(OutputParserException, match="'shell' are no JSON object") as raised:
        parsed(made(call))
    assert raised.value.send_to_llm
    assert "call it again" in str(raised.value.observation)


def test_only_messages_of_a_chat_model_are_read() -> None:
    """Anything else is a mistake in a chain."""
    parser = ZhipuAiALLToolsAgentOutputParser()
    with pytest.raises(TypeError, match="not a Generation"):
        parser.parse_result([Generation(text="Hello")])
    with pytest.raises(TypeError, match="AIMessage, not a HumanMessage"):
        parser.parse_result([ChatGeneration(message=HumanMessage("Hello"))])
    with pytest.raises(TypeError, match="not a text"):
        parser.parse("Hello")


KINDS = st.sampled_from(["function", "code_interpreter", "web_browser", "drawing_tool"])


@given(st.lists(st.tuples(KINDS, st.sampled_from([None, "call_1", "call_2"])), min_size=1, max_size=6), st.booleans())
def test_no_call_is_lost_or_moved(kinds: list[tuple[str, str | None]], in_stream: bool) -> None:
    """Whatever the mixture, and however ids are missing: as many actions as calls, in their order, each with its id."""
    # Two calls in a row of one tool with one id are one call with more outputs (contract 3.4).
    assume(all(one != other or one[1] is None or one[0] == "function" for one, other in pairwise(kinds)))
    calls = [
        function(f"f{place}", f"call_f{place}")
        if kind == "function"
        else built_in(kind, f"i{place}", key, [{"a": place}])
        for place, (kind, key) in enumerate(kinds)
    ]
    actions = parsed(streamed(*calls) if in_stream else whole(*calls))
    wanted = [f"f{place}" if kind == "function" else f"i{place}" for place, (kind, _) in enumerate(kinds)]
    told = [action.tool_input if isinstance(action, BuiltInAgentAction) else action.tool for action in actions]
    ids = [action.tool_call_id for action in actions]
    assert told == wanted
    assert len(set(ids)) == len(ids)
    assert all(ids)


def test_functions_and_built_in_tools_keep_their_order() -> None:
    """Before, between and behind."""
    message = whole(
        function("a", "call_1"),
        built_in("web_browser", "b", "call_2", []),
        function("c", "call_3"),
        built_in("drawing_tool", "d", "call_4", []),
        function("e", "call_5"),
    )
    assert len(message.additional_kwargs[ALL_TOOLS]) == 4
    assert [action.tool_call_id for action in parsed(message)] == [f"call_{place}" for place in range(1, 6)]
