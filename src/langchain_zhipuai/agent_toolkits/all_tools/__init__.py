"""The adapters of the built-in tools."""

from __future__ import annotations

from langchain_zhipuai.agent_toolkits.all_tools.code_interpreter_tool import (
    CodeInterpreterAdapterAllTool,
    CodeInterpreterToolOutput,
    CodeNotRun,
)
from langchain_zhipuai.agent_toolkits.all_tools.drawing_tool import DrawingAdapterAllTool, DrawingToolOutput
from langchain_zhipuai.agent_toolkits.all_tools.output import BaseToolOutput
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agent_toolkits.all_tools.tool import AdapterAllTool, OutputsMissing
from langchain_zhipuai.agent_toolkits.all_tools.web_browser_tool import WebBrowserAdapterAllTool, WebBrowserToolOutput

__all__ = [
    "AdapterAllTool",
    "AdapterAllToolStructType",
    "BaseToolOutput",
    "CodeInterpreterAdapterAllTool",
    "CodeInterpreterToolOutput",
    "CodeNotRun",
    "DrawingAdapterAllTool",
    "DrawingToolOutput",
    "OutputsMissing",
    "WebBrowserAdapterAllTool",
    "WebBrowserToolOutput",
]
