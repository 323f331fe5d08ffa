"""Counting prompt tokens (contract 4.3)."""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.reply import Reply, call_headers
from glmgate.wire.answers import report
from glmgate.wire.tokenizer import TokenizerRequest


async def tokenizer(exchange: Exchange) -> None:
    """POST tokenizer."""
    body = await exchange.read(TokenizerRequest)
    own_id = exchange.answer_id(body)
    call = exchange.call(None)
    async with exchange.connected():
        tokens = await exchange.gateway.count(call, body)
    value: dict[str, Any] = {"created": exchange.request.created, "id": own_id, "request_id": own_id}
    value["usage"] = {"prompt_tokens": tokens, "image_tokens": 0, "video_tokens": 0, "total_tokens": tokens}
    if call.notes:
        value["glmgate"] = report(call.notes)
    await exchange.reply(Reply(msgspec.json.encode(value), headers=tuple(call_headers(call))))
