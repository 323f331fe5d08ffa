"""From a model's message to what an agent does next."""

from __future__ import annotations

from langchain_zhipuai.agents.output_parsers.zhipuai_all_tools import ZhipuAiALLToolsAgentOutputParser

__all__ = ["ZhipuAiALLToolsAgentOutputParser"]
