"""Which adapter stands for which built-in tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from langchain_zhipuai.agent_toolkits.all_tools.code_interpreter_tool import CodeInterpreterAdapterAllTool
from langchain_zhipuai.agent_toolkits.all_tools.drawing_tool import DrawingAdapterAllTool
from langchain_zhipuai.agent_toolkits.all_tools.struct_type import AdapterAllToolStructType
from langchain_zhipuai.agent_toolkits.all_tools.tool import AdapterAllTool
from langchain_zhipuai.agent_toolkits.all_tools.web_browser_tool import WebBrowserAdapterAllTool

TOOL_STRUCT_TYPE_TO_TOOL_CLASS: Final[Mapping[AdapterAllToolStructType, type[AdapterAllTool]]] = {
    AdapterAllToolStructType.CODE_INTERPRETER: CodeInterpreterAdapterAllTool,
    AdapterAllToolStructType.DRAWING_TOOL: DrawingAdapterAllTool,
    AdapterAllToolStructType.WEB_BROWSER: WebBrowserAdapterAllTool,
}
