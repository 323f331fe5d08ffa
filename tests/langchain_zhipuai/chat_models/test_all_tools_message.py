"""Calls of built-in tools: whatever the chunking, the same calls; what they ended with."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_zhipuai.chat_models.all_tools_message import (
    ALL_TOOLS,
    BUILT_IN_TOOLS,
    ALLToolsMessageChunk,
    BuiltInCall,
    built_in_calls,
    is_built_in,
    piece_of,
)


def piece(kind: str, position: int, name: str | None = None, **brought: Any) -> dict[str, Any]:
    """A piece as it stands in a message."""
    return {"type": kind, "id": name, "position": position, kind: brought}


def calls_of(*pieces: dict[str, Any]) -> list[BuiltInCall]:
    """The calls of a message with these pieces."""
    return built_in_calls(AIMessage("", additional_kwargs={ALL_TOOLS: list(pieces)}))


def test_input_in_pieces_and_then_outputs_are_one_call() -> None:
    """The id of the first piece is enough."""
    logs = {"type": "logs", "logs": "3\n"}
    (call,) = calls_of(
        piece("code_interpreter", 0, "call_1", input="print("),
        piece("code_interpreter", 1, input="1 + 2)"),
        piece("code_interpreter", 2, outputs=[logs]),
    )
    assert call == BuiltInCall("code_interpreter", "call_1", "print(1 + 2)", [logs], 0)


def test_no_outputs_are_not_empty_outputs() -> None:
    """None came: the client is to run the code. An empty list came: it ran and said nothing."""
    (asked,) = calls_of(piece("code_interpreter", 0, "a", input="1"))
    (ran,) = calls_of(piece("code_interpreter", 0, "a", input="1"), piece("code_interpreter", 1, outputs=[]))
    assert asked.outputs is None
    assert ran.outputs == []


def test_a_call_ends_with_its_outputs() -> None:
    """What follows of the same tool is another call, ids or not."""
    calls = calls_of(
        piece("drawing_tool", 0, input="a cat"),
        piece("drawing_tool", 1, outputs=[{"image": "cat.png"}]),
        piece("drawing_tool", 2, input="a dog"),
    )
    assert [(call.input, call.outputs is None) for call in calls] == [("a cat", False), ("a dog", True)]


def test_another_tool_or_a_new_id_begins_another_call() -> None:
    """Also where the call before never had outputs."""
    calls = calls_of(
        piece("code_interpreter", 0, "a", input="1"),
        piece("code_interpreter", 1, "b", input="2"),
        piece("web_browser", 2, input="3"),
    )
    assert [(call.type, call.id, call.input) for call in calls] == [
        ("code_interpreter", "a", "1"),
        ("code_interpreter", "b", "2"),
        ("web_browser", None, "3"),
    ]


def test_outputs_that_name_their_call_go_on_with_it() -> None:
    """Results of a search may come in two chunks."""
    first, second = {"title": "a"}, {"title": "b"}
    (call,) = calls_of(
        piece("web_browser", 0, "s", input="news"),
        piece("web_browser", 1, "s", outputs=[first]),
        piece("web_browser", 2, "s", outputs=[second]),
    )
    assert call.outputs == [first, second]


def test_outputs_behind_outputs_go_on_with_the_call() -> None:
    """Also without an id, which stands on the first piece only: a call of its own would have an input."""
    first, second = {"type": "logs", "logs": "1\n"}, {"type": "file", "file": "a.png"}
    (call,) = calls_of(
        piece("code_interpreter", 0, "c", input="plot()"),
        piece("code_interpreter", 1, outputs=[first]),
        piece("code_interpreter", 2, outputs=[second]),
    )
    assert call.outputs == [first, second]


def test_a_late_id_is_the_call_s_own() -> None:
    """An id that comes only with the outputs belongs to the input before it."""
    (call,) = calls_of(piece("web_browser", 0, input="news"), piece("web_browser", 1, "late", outputs=[]))
    assert (call.id, call.input, call.outputs) == ("late", "news", [])


def test_a_function_call_in_between_ends_a_call_and_is_none() -> None:
    """The entries of type function only keep the order."""
    calls = calls_of(
        piece("code_interpreter", 0, input="1"),
        {"type": "function", "id": "call_f", "position": 1},
        piece("code_interpreter", 2, input="2"),
    )
    assert [call.input for call in calls] == ["1", "2"]


def test_a_whole_call_in_one_piece() -> None:
    """A plain answer has input and outputs in one entry."""
    wire = {"id": "x", "type": "web_browser", "web_browser": {"input": "news", "outputs": [{"title": "t"}]}}
    assert is_built_in(wire)
    (call,) = calls_of(dict(piece_of(wire, 4)))
    assert call == BuiltInCall("web_browser", "x", "news", [{"title": "t"}], 4)


def test_an_index_of_the_wire_is_the_position() -> None:
    """No member is called `index` afterwards, or LangChain would merge pieces."""
    kept = piece_of({"index": 7, "type": "drawing_tool", "drawing_tool": {"input": "a"}, "function": None}, 0)
    assert kept == {"type": "drawing_tool", "id": None, "position": 7, "drawing_tool": {"input": "a"}}
    assert not is_built_in({"type": "function", "function": {"name": "f"}})


def test_a_message_without_pieces_has_no_calls() -> None:
    """Neither an empty message nor an empty list is an error."""
    assert built_in_calls(AIMessage("")) == []
    assert calls_of() == []


def test_a_sum_stays_an_all_tools_chunk() -> None:
    """With pieces in order, and an ordinary tool call beside them."""
    left = ALLToolsMessageChunk(content="a", additional_kwargs={ALL_TOOLS: [piece("drawing_tool", 0, input="x")]})
    right = ALLToolsMessageChunk(
        content="b",
        additional_kwargs={ALL_TOOLS: [piece("drawing_tool", 0, input="y")]},
        tool_call_chunks=[{"name": "f", "args": "{}", "id": "call_f", "index": 1, "type": "tool_call_chunk"}],
    )
    both = left + right
    assert isinstance(both, ALLToolsMessageChunk)
    assert isinstance(both + AIMessageChunk(content="c"), ALLToolsMessageChunk)
    assert both.content == "ab"
    assert [call.input for call in built_in_calls(both)] == ["xy"]
    assert [call["name"] for call in both.tool_calls] == ["f"]


@st.composite
def scripted(draw: st.DrawFn) -> list[BuiltInCall]:
    """Calls that can be told apart: each has an id of its own."""
    kinds = draw(st.lists(st.sampled_from(BUILT_IN_TOOLS), min_size=1, max_size=4))
    return [
        BuiltInCall(
            kind,
            f"call_{place}",
            draw(st.text(max_size=12)),
            draw(st.none() | st.lists(st.fixed_dictionaries({"logs": st.text(max_size=5)}), max_size=2)),
            0,
        )
        for place, kind in enumerate(kinds)
    ]


@given(scripted(), st.data())
def test_any_chunking_gives_the_same_calls(calls: list[BuiltInCall], data: st.DataObject) -> None:
    """However inputs are cut, and however chunks are added up, the calls are the ones that were made."""
    pieces: list[dict[str, Any]] = []
    for call in calls:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(call.input)), max_size=3)))
        parts = [call.input[start:end] for start, end in zip([0, *cuts], [*cuts, len(call.input)], strict=True)]
        pieces += [piece(call.type, 0, call.id if not place else None, input=part) for place, part in enumerate(parts)]
        if call.outputs is not None:
            pieces.append(piece(call.type, 0, outputs=call.outputs))
    chunks = [ALLToolsMessageChunk(content="", additional_kwargs={ALL_TOOLS: [each]}) for each in pieces]
    assert built_in_calls(chunks[0] + chunks[1:] if chunks[1:] else chunks[0]) == calls
