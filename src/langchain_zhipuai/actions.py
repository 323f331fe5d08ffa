"""What the model asked a built-in tool to do, as an agent's action; what the service has done already is with it.

`agents.output_parsers` has the same classes under their old names' modules; they are here so that tools and agents,
which both need them, need not import each other.
"""

from __future__ import annotations

from typing import Any

from langchain_classic.agents.output_parsers.tools import ToolAgentAction


class BuiltInAgentAction(ToolAgentAction):
    """A call of a built-in tool. `outputs` None: the service ran nothing."""

    outputs: list[dict[str, Any]] | None = None
    platform_params: dict[str, Any] | None = None


class CodeInterpreterAgentAction(BuiltInAgentAction):
    """`tool_input` is code; outputs are logs and files."""


class DrawingToolAgentAction(BuiltInAgentAction):
    """`tool_input` is what to draw; outputs are images' addresses."""


class WebBrowserAgentAction(BuiltInAgentAction):
    """`tool_input` is what to look for; outputs are pages with title, link and content."""
