"""A stand-in for LangChain's hub: the two prompts that agents of this package use, without the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

AGENT: Final = "zhipuai-all-tools-chat/zhipuai-all-tools-agent"
CHAT: Final = "zhipuai-all-tools-chat/zhipuai-all-tools-chat"

_SYSTEM: Final[Mapping[str, str]] = {
    AGENT: (
        "You are a helpful assistant with tools. Use a tool when it can find out or do what was asked, and answer "
        "from what it gave; when none is needed, answer at once. Answer in the language of the question."
    ),
    CHAT: "You are a helpful assistant. Answer in the language of the question.",
}


def pull(owner_repo_commit: str, **kwargs: Any) -> ChatPromptTemplate:
    """The bundled prompt of this name. Raises ValueError for any other.

    `kwargs` are those of the real hub's `pull`, which say nothing here.
    """
    del kwargs
    name = owner_repo_commit.partition(":")[0]
    if name not in _SYSTEM:
        raise ValueError(
            f"{owner_repo_commit!r} is not among the two prompts that this stand-in for the hub has, {AGENT!r} and "
            f"{CHAT!r}; pull others from LangSmith: langsmith.Client().pull_prompt({owner_repo_commit!r})"
        )
    return ChatPromptTemplate.from_messages(
        [
            ("system", _SYSTEM[name]),
            MessagesPlaceholder("chat_history", optional=True),
            ("human", "{input}"),
            MessagesPlaceholder("agent_scratchpad", optional=name == CHAT),
        ]
    )
