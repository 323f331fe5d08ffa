"""The standard content blocks of our messages: thoughts, text, calls, in this order.

LangChain merges the blocks of chunks by their index. Its own derivation numbers calls as the wire does, from 0, where
text has the 0 already; here each kind counts for itself.
"""

from __future__ import annotations

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import (
    ContentBlock,
    InvalidToolCall,
    ReasoningContentBlock,
    TextContentBlock,
    ToolCall,
    ToolCallChunk,
)

from langchain_zhipuai.chat_models.answers import PROVIDER
from langchain_zhipuai.chat_models.messages import REASONING


def blocks_of(message: AIMessage) -> list[ContentBlock]:
    """The blocks of a whole message. Raises NotImplementedError for content of another form, which is LangChain's."""
    return [*_said(message), *_calls(message)]


def blocks_of_chunk(chunk: AIMessageChunk) -> list[ContentBlock]:
    """The blocks of a chunk; their indexes say which belong together."""
    blocks = _said(chunk)
    for block in blocks:
        block["index"] = f"lc_{block['type']}"
    if chunk.chunk_position == "last":
        return [*blocks, *_calls(chunk)]
    for call in chunk.tool_call_chunks:
        piece = ToolCallChunk(type="tool_call_chunk", id=call["id"], name=call["name"], args=call["args"])
        piece["index"] = f"lc_call_{call['index']}"
        blocks.append(piece)
    return blocks


def _said(message: AIMessage) -> list[ContentBlock]:
    if not isinstance(message.content, str):
        raise NotImplementedError
    blocks: list[ContentBlock] = []
    if thought := message.additional_kwargs.get(REASONING):
        blocks.append(ReasoningContentBlock(type="reasoning", reasoning=thought))
    if message.content:
        blocks.append(TextContentBlock(type="text", text=message.content))
    return blocks


def _calls(message: AIMessage) -> list[ContentBlock]:
    calls: list[ContentBlock] = [
        ToolCall(type="tool_call", id=call["id"], name=call["name"], args=call["args"]) for call in message.tool_calls
    ]
    return calls + [
        InvalidToolCall(
            type="invalid_tool_call", id=call["id"], name=call["name"], args=call["args"], error=call["error"]
        )
        for call in message.invalid_tool_calls
    ]


def register() -> None:
    """Tell LangChain of these blocks."""
    register_translator(PROVIDER, blocks_of, blocks_of_chunk)
