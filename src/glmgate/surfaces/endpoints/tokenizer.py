"""Counting prompt tokens (contract 4.3)."""

from __future__ import annotations

from glmgate.surfaces.exchange import Exchange
from glmgate.wire.tokenizer import TokenizerRequest


async def tokenizer(exchange: Exchange) -> None:
    """POST tokenizer."""
    body = await exchange.read(TokenizerRequest)
    own_id = exchange.answer_id(body)
    call = exchange.call(None)
    async with exchange.connected():
        tokens = await exchange.gateway.count(call, body)
    usage = {"prompt_tokens": tokens, "image_tokens": 0, "video_tokens": 0, "total_tokens": tokens}
    created = exchange.request.created
    await exchange.reply_json({"created": created, "id": own_id, "request_id": own_id, "usage": usage})
