"""Generated text: chat/completions and the older completions."""

from __future__ import annotations

from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.generation import answer
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest


async def chat(exchange: Exchange) -> None:
    """POST chat/completions, plain or streamed (contract section 3)."""
    await answer(exchange, await exchange.read(ChatRequest))


async def completions(exchange: Exchange) -> None:
    """POST completions, plain or streamed (contract L1)."""
    await answer(exchange, await exchange.read(CompletionRequest))
