"""The actions of built-in tools are LangChain's, with more in them."""

from __future__ import annotations

import pytest
from langchain_classic.agents.output_parsers.tools import ToolAgentAction

from langchain_zhipuai.actions import (
    BuiltInAgentAction,
    CodeInterpreterAgentAction,
    DrawingToolAgentAction,
    WebBrowserAgentAction,
)
from langchain_zhipuai.agents.output_parsers import code_interpreter, drawing_tool, web_browser


@pytest.mark.parametrize("kind", [CodeInterpreterAgentAction, DrawingToolAgentAction, WebBrowserAgentAction])
def test_an_action_is_a_tool_action(kind: type[BuiltInAgentAction]) -> None:
    """Whatever looks for LangChain's class finds it; without outputs there are none, which is not an empty list."""
    action = kind(tool="any", tool_input="input", log="log", message_log=[], tool_call_id="call_1")
    assert isinstance(action, ToolAgentAction)
    assert action.outputs is None


def test_old_modules_have_the_same_classes() -> None:
    """A test by `isinstance` holds whichever path a program imports."""
    assert code_interpreter.CodeInterpreterAgentAction is CodeInterpreterAgentAction
    assert drawing_tool.DrawingToolAgentAction is DrawingToolAgentAction
    assert web_browser.WebBrowserAgentAction is WebBrowserAgentAction
