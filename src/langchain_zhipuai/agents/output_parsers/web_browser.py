"""The action of the built-in web browser, under its old module's name."""

from __future__ import annotations

from langchain_zhipuai.actions import WebBrowserAgentAction

__all__ = ["WebBrowserAgentAction"]
