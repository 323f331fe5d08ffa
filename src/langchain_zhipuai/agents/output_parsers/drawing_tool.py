"""The action of the built-in drawing tool, under its old module's name."""

from __future__ import annotations

from langchain_zhipuai.actions import DrawingToolAgentAction

__all__ = ["DrawingToolAgentAction"]
