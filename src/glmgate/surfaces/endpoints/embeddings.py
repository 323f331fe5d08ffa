"""Embeddings (contract 4.1)."""

from __future__ import annotations

import msgspec

from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.reply import Reply, call_headers
from glmgate.wire.answers import report
from glmgate.wire.embeddings import EmbeddingsRequest, encode


async def embeddings(exchange: Exchange) -> None:
    """POST embeddings. Vectors are numbers unless base64 is asked for (contract E1)."""
    body = await exchange.read(EmbeddingsRequest)
    own_id = exchange.answer_id(body)
    call = exchange.call(body.glmgate)
    async with exchange.connected():
        embedded = await exchange.gateway.embed(call, body)
    value = encode(embedded.embeddings, model=embedded.model, as_base64=body.encoding_format == "base64")
    if call.surface == "zai":
        value["request_id"] = own_id
    if call.notes:
        value["glmgate"] = report(call.notes)
    await exchange.reply(Reply(msgspec.json.encode(value), headers=tuple(call_headers(call))))
