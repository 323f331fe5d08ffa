"""The tokenizer endpoint's request (contract 4.3)."""

from __future__ import annotations

from glmgate.wire.chat import Message, Tool
from glmgate.wire.members import Members


class TokenizerRequest(Members):
    """Messages (and tools) whose prompt tokens are to be counted."""

    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    request_id: str | None = None
    user_id: str | None = None
