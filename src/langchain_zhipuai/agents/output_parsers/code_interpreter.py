"""The action of the built-in code interpreter, under its old module's name."""

from __future__ import annotations

from langchain_zhipuai.actions import CodeInterpreterAgentAction

__all__ = ["CodeInterpreterAgentAction"]
