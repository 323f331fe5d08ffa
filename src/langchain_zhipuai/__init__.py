"""GLM for LangChain: the chat model, the embeddings and the agents of `langchain_zhipuai`, on today's LangChain.

A client only: it works against glmgate, Z.AI and BigModel alike, and never imports the server. Its libraries come with
the extra `langchain` of this distribution.
"""

from __future__ import annotations

from langchain_zhipuai import missing

with missing.told():
    from langchain_zhipuai.chat_models import ChatZhipuAI
    from langchain_zhipuai.embeddings import ZhipuAIEmbeddings

__all__ = ["ChatZhipuAI", "ZhipuAIEmbeddings"]
