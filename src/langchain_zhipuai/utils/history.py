"""One line of a conversation, in the forms in which applications keep them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from langchain_core.messages import BaseMessage, ChatMessage
from langchain_core.prompts.chat import ChatMessagePromptTemplate
from pydantic import BaseModel

ROLES: Final[Mapping[str, str]] = {"ai": "assistant", "human": "user", "tool": "tool", "system": "system"}
"""LangChain's types of messages, and the roles that they have on the wire."""
TUPLES: Final[Mapping[str, str]] = {
    "assistant": "ai",
    "ai": "ai",
    "user": "human",
    "human": "human",
    "system": "system",
}


class History(BaseModel):
    """What somebody said: `History(role="user", content="Hello")`."""

    role: str
    content: str | list[str | dict[str, Any]]

    def to_msg_tuple(self) -> tuple[str, str | list[str | dict[str, Any]]]:
        """As LangChain takes it in a list of messages: `("human", "Hello")`. Raises ValueError for other roles."""
        if self.role not in TUPLES:
            raise ValueError(f"role {self.role!r} has no place in a history; it is one of {', '.join(TUPLES)}")
        return TUPLES[self.role], self.content

    def to_msg_template(self, is_raw: bool = True) -> ChatMessagePromptTemplate:  # noqa: FBT001, FBT002 - as it was
        """As a part of a prompt. `is_raw`: the text has no variables; else it is a Jinja template."""
        if not isinstance(self.content, str):
            raise TypeError(f"only a text can be a template, not {self.content!r}")
        role = ROLES.get(self.role, self.role)
        if is_raw:
            text = self.content.replace("{", "{{").replace("}", "}}")
            return ChatMessagePromptTemplate.from_template(text, role=role)
        return ChatMessagePromptTemplate.from_template(self.content, "jinja2", role=role)

    @classmethod
    def from_data(cls, h: Self | BaseMessage | Mapping[str, Any] | list[Any] | tuple[Any, ...]) -> Self:
        """From a role and a text in any of the usual forms. Raises TypeError for others."""
        if isinstance(h, cls):
            return h
        if isinstance(h, BaseMessage):
            return cls.from_message(h)
        if isinstance(h, Mapping):
            return cls(**h)
        if isinstance(h, list | tuple) and len(h) >= 2:
            return cls(role=h[0], content=h[1])
        raise TypeError(
            f"{h!r} is no line of a history; give ('user', 'text'), a dict of role and content, or a message"
        )

    @classmethod
    def from_message(cls, message: BaseMessage) -> Self:
        """From a message of LangChain's."""
        kind = message.type.removesuffix("MessageChunk").lower()
        role = message.role if isinstance(message, ChatMessage) else ROLES.get(kind)
        if role is None:
            raise TypeError(f"a message of type {message.type!r} has no role on the wire")
        return cls(role=role, content=message.content)
