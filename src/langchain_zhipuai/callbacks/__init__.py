"""What an agent does, as it does it."""

from __future__ import annotations

from langchain_zhipuai import missing

with missing.told():
    from langchain_zhipuai.callbacks.agent_callback_handler import (
        AgentExecutorAsyncIteratorCallbackHandler,
        AgentStatus,
    )

__all__ = ["AgentExecutorAsyncIteratorCallbackHandler", "AgentStatus"]
