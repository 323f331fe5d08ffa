"""An agent with GLM's built-in tools, as a stream of what it does."""

from __future__ import annotations

from langchain_zhipuai.agents.zhipuai_all_tools.base import ZhipuAIAllToolsRunnable
from langchain_zhipuai.agents.zhipuai_all_tools.schema import (
    AllToolsAction,
    AllToolsActionToolEnd,
    AllToolsActionToolStart,
    AllToolsBaseComponent,
    AllToolsFinish,
    AllToolsLLMStatus,
    MsgType,
)

__all__ = [
    "AllToolsAction",
    "AllToolsActionToolEnd",
    "AllToolsActionToolStart",
    "AllToolsBaseComponent",
    "AllToolsFinish",
    "AllToolsLLMStatus",
    "MsgType",
    "ZhipuAIAllToolsRunnable",
]
