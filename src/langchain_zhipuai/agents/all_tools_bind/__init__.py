"""An agent of a prompt and a model that has tools bound."""

from __future__ import annotations

from langchain_zhipuai.agents.all_tools_bind.base import create_zhipuai_tools_agent

__all__ = ["create_zhipuai_tools_agent"]
