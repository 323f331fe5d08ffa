"""From an agent's steps to the messages that tell the model of them."""

from __future__ import annotations

from langchain_zhipuai.agents.format_scratchpad.all_tools import format_to_zhipuai_all_tool_messages

__all__ = ["format_to_zhipuai_all_tool_messages"]
