"""The chat model, and what its messages carry beyond LangChain's own."""

from __future__ import annotations

from langchain_zhipuai.chat_models.all_tools_message import ALLToolsMessageChunk
from langchain_zhipuai.chat_models.base import ChatZhipuAI

__all__ = ["ALLToolsMessageChunk", "ChatZhipuAI"]
