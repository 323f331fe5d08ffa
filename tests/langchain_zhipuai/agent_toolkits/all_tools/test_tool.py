"""What all adapters have in common."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from langchain_zhipuai.agent_toolkits import AdapterAllTool, OutputsMissing
from langchain_zhipuai.agent_toolkits.all_tools.registry import TOOL_STRUCT_TYPE_TO_TOOL_CLASS
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from tests.langchain_zhipuai.agent_toolkits.all_tools.actions import called

OUTPUTS: dict[str, dict[str, Any]] = {
    "code_interpreter": {"type": "logs", "logs": "2\n"},
    "web_browser": {"title": "A page", "link": "http://example.org/", "content": "Text."},
    "drawing_tool": {"image": "http://example.org/cat.png"},
}


def adapters() -> list[AdapterAllTool]:
    """One of each kind."""
    return [kind() for kind in TOOL_STRUCT_TYPE_TO_TOOL_CLASS.values()]


def test_each_built_in_tool_has_an_adapter() -> None:
    """It is named like its tool."""
    assert {adapter.name for adapter in adapters()} == set(AdapterAllToolStructType) == set(OUTPUTS)


@pytest.mark.parametrize("adapter", adapters(), ids=lambda adapter: adapter.name)
async def test_it_is_run_with_an_action(adapter: AdapterAllTool) -> None:
    """Blocking or not, the observation is the same."""
    given = {"agent_action": called(adapter.name, "input", OUTPUTS[adapter.name])}
    assert str(adapter.run(dict(given))) == str(await adapter.arun(dict(given)))
    assert adapter.get_type() == type(adapter).__name__


@pytest.mark.parametrize("adapter", adapters(), ids=lambda adapter: adapter.name)
def test_no_outputs_are_an_error(adapter: AdapterAllTool) -> None:
    """The service was to run the tool; that nothing came is said, with what was asked."""
    with pytest.raises(OutputsMissing, match=f"'{adapter.name}' with 'cats' and sent no outputs"):
        adapter.run({"agent_action": called(adapter.name, "cats")})


def test_a_user_may_turn_errors_into_observations() -> None:
    """As for every tool of LangChain's, so the model hears of it."""
    adapter = TOOL_STRUCT_TYPE_TO_TOOL_CLASS[AdapterAllToolStructType.WEB_BROWSER](handle_tool_error=True)
    assert "sent no outputs" in adapter.run({"agent_action": called("web_browser", "cats")})


def test_the_call_of_another_tool() -> None:
    """Two tools were mixed up."""
    adapter = TOOL_STRUCT_TYPE_TO_TOOL_CLASS[AdapterAllToolStructType.WEB_BROWSER]()
    with pytest.raises(
        ValueError, match="WebBrowserAdapterAllTool takes calls of 'web_browser', not of 'drawing_tool'"
    ):
        adapter.run({"agent_action": called("drawing_tool", "cats", OUTPUTS["drawing_tool"])})


def test_an_adapter_without_an_action() -> None:
    """It cannot be called like a function."""
    with pytest.raises(ValidationError, match="agent_action"):
        adapters()[0].run({"code": "1"})
