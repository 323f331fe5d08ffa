"""What tools of an agent are made of: outputs, the adapters of the built-in tools, and who runs code."""

from __future__ import annotations

from langchain_zhipuai import missing

with missing.told():
    from langchain_zhipuai.agent_toolkits.all_tools import (
        AdapterAllTool,
        BaseToolOutput,
        CodeInterpreterAdapterAllTool,
        CodeInterpreterToolOutput,
        CodeNotRun,
        DrawingAdapterAllTool,
        DrawingToolOutput,
        OutputsMissing,
        WebBrowserAdapterAllTool,
        WebBrowserToolOutput,
    )
    from langchain_zhipuai.agent_toolkits.code_execution import CodeExecutor, SubprocessCodeExecutor

__all__ = [
    "AdapterAllTool",
    "BaseToolOutput",
    "CodeExecutor",
    "CodeInterpreterAdapterAllTool",
    "CodeInterpreterToolOutput",
    "CodeNotRun",
    "DrawingAdapterAllTool",
    "DrawingToolOutput",
    "OutputsMissing",
    "SubprocessCodeExecutor",
    "WebBrowserAdapterAllTool",
    "WebBrowserToolOutput",
]
