"""Small helpers around conversations."""

from __future__ import annotations

from langchain_zhipuai.utils.history import History

__all__ = ["History"]
