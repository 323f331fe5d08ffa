"""The embeddings."""

from __future__ import annotations

from langchain_zhipuai.embeddings.base import ZhipuAIEmbeddings

__all__ = ["ZhipuAIEmbeddings"]
