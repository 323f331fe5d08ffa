"""Answers of the wire as messages: whole and in chunks, with everything that GLM says beside the text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_zhipuai.chat_models.all_tools_message import ALL_TOOLS, ALLToolsMessageChunk, built_in_calls
from langchain_zhipuai.chat_models.answers import StreamReader, usage_of, whole_messages
from tests.langchain_zhipuai.asking import summed

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
COUNTED = {
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
    "input_token_details": {"cache_read": 4},
    "output_token_details": {"reasoning": 3},
}
HEAD = {"id": "one", "request_id": "one", "created": 7, "model": "glm-4.6"}


def called(name: str, arguments: str, index: int = 0) -> dict[str, Any]:
    """A call of a function on the wire."""
    return {
        "id": f"call_{index}",
        "index": index,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def whole(message: dict[str, Any], *, legacy: bool = False, **members: Any) -> AIMessage:
    """The only message of a body."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"} | message}
    (only,) = whole_messages(HEAD | {"object": "chat.completion", "choices": [choice]} | members, legacy=legacy)
    return only


def deltas(*said: dict[str, Any], model: str = "glm-4.6", legacy: bool = False, **last: Any) -> list[AIMessageChunk]:
    """The chunks of a stream of these deltas; `last` are members of the finish chunk."""
    read = StreamReader(model, legacy=legacy)
    chunks = [read.read(HEAD | {"choices": [{"index": 0, "delta": delta}]}) for delta in said]
    end = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    chunks.append(read.read(HEAD | {"choices": [end]} | last))
    return [chunk for chunk in chunks if chunk is not None] + [read.last()]


def test_a_whole_answer() -> None:
    """Text, thoughts, what it cost, and who said it."""
    message = whole({"content": "Yes.", "reasoning_content": "Hm."}, usage=USAGE)
    assert (message.text, message.id) == ("Yes.", "one")
    assert message.additional_kwargs == {"reasoning_content": "Hm."}
    assert message.usage_metadata == COUNTED
    assert message.response_metadata == {
        "model_provider": "zhipuai",
        "model_name": "glm-4.6",
        "id": "one",
        "request_id": "one",
        "created": 7,
        "finish_reason": "stop",
        "token_usage": USAGE,
    }


def test_a_stream_adds_up_to_the_same() -> None:
    """Whichever way it was asked for."""
    chunks = deltas(
        {"reasoning_content": "H"}, {"reasoning_content": "m."}, {"content": "Y"}, {"content": "es."}, usage=USAGE
    )
    message, same = summed(chunks), whole({"content": "Yes.", "reasoning_content": "Hm."}, usage=USAGE)
    assert (message.text, message.id) == (same.text, same.id)
    for name in ("additional_kwargs", "usage_metadata", "response_metadata"):
        assert getattr(message, name) == getattr(same, name)
    assert [chunk.chunk_position for chunk in chunks] == [None, None, None, None, "last"]


def test_every_choice_is_a_message() -> None:
    """`n` of them."""
    choices = [{"index": index, "message": {"content": text}} for index, text in enumerate("ab")]
    assert [message.text for message in whole_messages(HEAD | {"choices": choices})] == ["a", "b"]


@pytest.mark.parametrize("where", ["finish", "extra", "both", "everywhere"])
def test_usage_is_counted_once(where: str) -> None:
    """Z.AI has it on the finish chunk, OpenAI on one of its own, some on both, vLLM on each (contract 0.2)."""
    read = StreamReader("glm-4.6")
    everywhere = {"usage": USAGE} if where == "everywhere" else {}
    finish = {"usage": USAGE} if where in {"finish", "both"} else {}
    extra = {"usage": USAGE} if where in {"extra", "both"} else {}
    chunks = [
        read.read({"choices": [{"delta": {"content": "Hi"}}]} | everywhere),
        read.read({"choices": [{"delta": {}, "finish_reason": "stop"}]} | finish | everywhere),
        read.read({"choices": []} | extra | everywhere),
        read.last(),
    ]
    message = summed([chunk for chunk in chunks if chunk is not None])
    assert message.usage_metadata == COUNTED
    assert message.response_metadata["token_usage"] == USAGE


def test_usage_without_details_has_none() -> None:
    """Nothing is made up; a missing total is a sum."""
    assert usage_of({"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None}) == {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
    }
    assert whole({"content": "a"}).usage_metadata is None


def test_calls() -> None:
    """Each with its arguments; without any where the wire has an empty text."""
    message = whole({"content": "", "tool_calls": [called("find", '{"a": 1}'), called("now", "", 1)]})
    assert [(call["name"], call["args"], call["id"]) for call in message.tool_calls] == [
        ("find", {"a": 1}, "call_0"),
        ("now", {}, "call_1"),
    ]


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '"text"'])
def test_arguments_that_are_no_object_make_an_invalid_call(arguments: str) -> None:
    """The text is kept, with what is wrong."""
    message = whole({"tool_calls": [called("find", arguments)]})
    assert message.tool_calls == []
    (call,) = message.invalid_tool_calls
    assert (call["name"], call["args"], call["id"]) == ("find", arguments, "call_0")
    assert call["error"]


def test_a_call_in_pieces() -> None:
    """With ids and names repeated or not, an index on each or on none."""
    first = called("find", "")
    for again in ({"index": 0}, {"id": "call_0"}, {"id": "call_0", "index": 0}, {"index": 0, "id": ""}):
        pieces = [again | {"function": {"name": "find", "arguments": part}} for part in ('{"a"', ": 1}")]
        message = summed(deltas({"tool_calls": [first]}, *({"tool_calls": [piece]} for piece in pieces)))
        assert [(call["name"], call["args"]) for call in message.tool_calls] == [("find", {"a": 1})]


def test_calls_of_one_index_are_told_apart_by_their_ids() -> None:
    """Some services give every call the index 0."""
    both = [called("find", '{"a": 1}'), called("find", '{"a": 2}') | {"id": "call_1"}]
    message = summed(deltas(*({"tool_calls": [call]} for call in both)))
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}, {"a": 2}]


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8) | st.integers(), max_size=3), st.data())
def test_any_chunking_of_arguments_gives_the_same_call(arguments: dict[str, Any], data: st.DataObject) -> None:
    """However they were cut."""
    text = json.dumps(arguments, ensure_ascii=False)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    pieces = [{"tool_calls": [{"index": 3, "function": {"arguments": part}}]} for part in parts]
    message = summed(deltas({"tool_calls": [called("find", "", 3)]}, *pieces))
    assert [call["args"] for call in message.tool_calls] == [arguments]


def test_functions_of_old_are_shown_as_such_too() -> None:
    """Whoever asked with `functions` reads `function_call`, whole or added up."""
    call = called("find", '{"a": 1}')
    for message in (
        whole({"tool_calls": [call]}, legacy=True),
        summed(deltas({"tool_calls": [called("find", '{"a"')]}, {"tool_calls": [called("", ": 1}")]}, legacy=True)),
    ):
        assert message.additional_kwargs["function_call"] == {"name": "find", "arguments": '{"a": 1}'}
        assert message.tool_calls[0]["args"] == {"a": 1}


def test_what_else_a_body_has_is_kept() -> None:
    """What a search found, what a filter said (contract 3.2); in a stream it may come in parts."""
    found, more, filtered = {"title": "a"}, {"title": "b"}, {"role": "user", "level": 2}
    beside: dict[str, Any] = {"web_search": [found, more], "content_filter": [filtered]}
    assert whole({"content": "a"}, **beside).response_metadata.items() >= beside.items()
    read = StreamReader("glm-4.6")
    read.read({"web_search": [found], "choices": [{"delta": {"content": "a"}}]})
    read.read({"web_search": [found, more], "content_filter": [filtered], "choices": [{"delta": {}}]})
    assert read.last().response_metadata.items() >= beside.items()


def test_what_else_a_message_has_is_kept() -> None:
    """Such as sound of glm-4-voice, or a refusal."""
    assert whole({"content": "a", "audio": {"id": "x"}}).additional_kwargs == {"audio": {"id": "x"}}
    assert summed(deltas({"refusal": "No"}, {"refusal": "."})).additional_kwargs == {"refusal": "No."}


def test_calls_of_built_in_tools_in_a_stream() -> None:
    """As pieces in their order, beside the function that was called (contract 3.4)."""
    chunks = deltas(
        {"tool_calls": [{"id": "c", "index": 0, "type": "code_interpreter", "code_interpreter": {"input": "1 +"}}]},
        {"tool_calls": [{"index": 1, "type": "code_interpreter", "code_interpreter": {"input": " 1"}}]},
        {"tool_calls": [{"index": 2, "type": "code_interpreter", "code_interpreter": {"outputs": [{"logs": "2"}]}}]},
        {"tool_calls": [called("find", '{"a"', 3)]},
        {"tool_calls": [called("", ": 1}", 3)]},
        model="GLM-4-AllTools",
    )
    message = summed(chunks)
    assert all(isinstance(chunk, ALLToolsMessageChunk) for chunk in [*chunks, message])
    (call,) = built_in_calls(message)
    assert (call.id, call.input, call.outputs, call.position) == ("c", "1 + 1", [{"logs": "2"}], 0)
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}]
    assert message.additional_kwargs[ALL_TOOLS][-1] == {"type": "function", "id": "call_3", "position": 3}


def test_calls_of_built_in_tools_in_a_whole_answer() -> None:
    """Under every model's name; without an index the place counts."""
    drawn = {"type": "drawing_tool", "drawing_tool": {"input": "a cat", "outputs": [{"image": "c.png"}]}}
    message = whole({"tool_calls": [drawn, called("find", "{}", 1)]})
    (call,) = built_in_calls(message)
    assert (call.type, call.input, call.outputs) == ("drawing_tool", "a cat", [{"image": "c.png"}])
    assert [piece["position"] for piece in message.additional_kwargs[ALL_TOOLS]] == [0, 1]
    assert [call["name"] for call in message.tool_calls] == ["find"]


def test_functions_alone_leave_no_pieces() -> None:
    """Their order is that of `tool_calls`."""
    assert ALL_TOOLS not in whole({"tool_calls": [called("find", "{}")]}).additional_kwargs
    assert ALL_TOOLS not in summed(deltas({"tool_calls": [called("find", "{}")]})).additional_kwargs
