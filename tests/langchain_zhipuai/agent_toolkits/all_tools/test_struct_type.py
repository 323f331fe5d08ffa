"""The names of built-in tools."""

from __future__ import annotations

from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.chat_models.all_tools_message import BUILT_IN_TOOLS


def test_they_are_those_of_the_wire() -> None:
    """Each equals its plain text."""
    assert set(AdapterAllToolStructType) == set(BUILT_IN_TOOLS)
