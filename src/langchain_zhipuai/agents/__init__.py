"""Agents with functions and GLM's built-in tools, on `langchain-classic`."""

from __future__ import annotations

from langchain_zhipuai import missing

with missing.told():
    from langchain_zhipuai.agents.zhipuai_all_tools import ZhipuAIAllToolsRunnable

__all__ = ["ZhipuAIAllToolsRunnable"]
