"""The tokenizer endpoint's request (contract 4.3), with those members of a chat request that its prompt depends on."""

from __future__ import annotations

from typing import Any

from glmgate.wire.chat import Message, ReasoningEffort, ResponseFormat, Thinking, Tool, ToolChoice
from glmgate.wire.members import Members


class TokenizerRequest(Members):
    """Messages (and tools) whose prompt tokens are to be counted."""

    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    thinking: Thinking | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: ResponseFormat | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    request_id: str | None = None
    user_id: str | None = None
