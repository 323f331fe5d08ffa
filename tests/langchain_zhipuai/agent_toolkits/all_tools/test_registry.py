"""Adapters by the tools that they stand for."""

from __future__ import annotations

from langchain_zhipuai.agent_toolkits.all_tools.registry import TOOL_STRUCT_TYPE_TO_TOOL_CLASS
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType


def test_every_type_is_there() -> None:
    """And found by its plain name too, as tools' dicts have it."""
    for kind in AdapterAllToolStructType:
        assert TOOL_STRUCT_TYPE_TO_TOOL_CLASS[kind]().name == kind.value == str(kind)
