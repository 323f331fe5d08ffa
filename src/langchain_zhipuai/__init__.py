"""GLM for LangChain: the chat model, the embeddings and the agents of `langchain_zhipuai`, on today's LangChain.

A client only: it works against glmgate, Z.AI and BigModel alike, and never imports the server. Its libraries come with
the extra `langchain` of this distribution.
"""

from __future__ import annotations

try:
    from langchain_zhipuai.chat_models import ChatZhipuAI
    from langchain_zhipuai.embeddings import ZhipuAIEmbeddings
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] not in {"langchain_core", "openai"}:
        raise
    raise ImportError(
        f"langchain_zhipuai needs {missing.name!r}, which is not installed: pip install 'glmgate[langchain]'"
    ) from missing

__all__ = ["ChatZhipuAI", "ZhipuAIEmbeddings"]
