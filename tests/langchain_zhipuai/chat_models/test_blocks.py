"""The standard content blocks of our messages."""

from __future__ import annotations

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from tests.langchain_zhipuai.asking import summed

OURS = {"model_provider": "zhipuai"}


def test_thoughts_text_and_calls_in_this_order() -> None:
    """Also calls whose arguments were no JSON."""
    message = AIMessage(
        "Yes.",
        additional_kwargs={"reasoning_content": "Hm."},
        response_metadata=OURS,
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "1"}],
        invalid_tool_calls=[{"name": "g", "args": "{", "id": "2", "error": "no JSON"}],
    )
    assert message.content_blocks == [
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": "Yes."},
        {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1"},
        {"type": "invalid_tool_call", "name": "g", "args": "{", "id": "2", "error": "no JSON"},
    ]
    assert AIMessage("", response_metadata=OURS).content_blocks == []


def test_content_of_blocks_is_langchain_s_to_read() -> None:
    """A message that somebody made of blocks."""
    made = AIMessage([{"type": "text", "text": "Yes."}], response_metadata=OURS)
    assert made.content_blocks == [{"type": "text", "text": "Yes."}]


def test_blocks_of_chunks_merge_with_their_own_kind() -> None:
    """A call's index on the wire is 0 as well as the text's place: they stay apart."""

    def chunk(text: str = "", **call: str) -> AIMessageChunk:
        calls = [tool_call_chunk(id="1", index=0, **call)] if call else []
        made = AIMessageChunk(content=text, tool_call_chunks=calls, response_metadata=OURS)
        return made.model_copy(
            update={"content": made.content_blocks, "response_metadata": OURS | {"output_version": "v1"}}
        )

    last = AIMessageChunk(content=[], chunk_position="last", response_metadata=OURS | {"output_version": "v1"})
    whole = summed([chunk("Let "), chunk("me."), chunk(name="f", args='{"a"'), chunk(args=": 1}"), last])
    assert whole.content == [
        {"type": "text", "text": "Let me.", "index": "lc_text"},
        {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1"},
    ]


def test_the_last_chunk_has_whole_calls() -> None:
    """The sum of a stream reads like a whole answer."""
    call = tool_call_chunk(name="f", args="{}", id="1", index=0)
    piece = AIMessageChunk(content="", tool_call_chunks=[call], response_metadata=OURS)
    assert piece.content_blocks == [
        {"type": "tool_call_chunk", "id": "1", "name": "f", "args": "{}", "index": "lc_call_0"}
    ]
    whole = summed([piece, AIMessageChunk(content="", chunk_position="last")])
    assert whole.content_blocks == [{"type": "tool_call", "id": "1", "name": "f", "args": {}}]
