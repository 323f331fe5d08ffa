"""A tokenizer whose tokens are letters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from glmgate.errors import GlmgateError
from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Generation


@dataclass(slots=True)
class FakeTokenizer:
    """Knows every model. `is_silent`: it counts nothing. For a prompt `error` is raised, and `gate` waited for."""

    is_silent: bool = False
    error: GlmgateError | None = None
    gate: asyncio.Event | None = None
    models: list[str] = field(default_factory=list)

    def knows(self, model: str) -> bool:
        """Every one."""
        return bool(model)

    async def answer(self, model: str, text: str) -> int | None:
        """One for each letter."""
        self.models.append(model)
        return None if self.is_silent else len(text)

    async def prompt(self, model: str, request: Generation) -> int | None:
        """One for each letter of the messages."""
        self.models.append(model)
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            await self.gate.wait()
        assert isinstance(request, ChatRequest)
        return None if self.is_silent else sum(len(str(message.content)) for message in request.messages)
