"""Calls of built-in tools, for the tests of their adapters."""

from __future__ import annotations

from typing import Any

from langchain_zhipuai.actions import BuiltInAgentAction
from langchain_zhipuai.agents.output_parsers.zhipuai_all_tools import ACTIONS


def called(tool: str, given: str, *outputs: dict[str, Any]) -> BuiltInAgentAction:
    """A call; without outputs the service has run nothing."""
    return ACTIONS[tool](
        tool=tool, tool_input=given, outputs=list(outputs) or None, log="", message_log=[], tool_call_id="call_1"
    )
