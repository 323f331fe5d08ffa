"""Reranking (contract 4.2), on every base."""

from __future__ import annotations

import msgspec

from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.reply import Reply, call_headers
from glmgate.wire.answers import report
from glmgate.wire.rerank import RerankRequest, encode


async def rerank(exchange: Exchange) -> None:
    """POST rerank."""
    body = await exchange.read(RerankRequest)
    own_id = exchange.answer_id(body)
    call = exchange.call(body.glmgate)
    async with exchange.connected():
        reranked = await exchange.gateway.rerank(call, body)
    value = encode(reranked.ranking, model=reranked.model, surface=call.surface)
    value = {"id": own_id, "created": exchange.request.created, "request_id": own_id} | value
    if call.notes:
        value["glmgate"] = report(call.notes)
    await exchange.reply(Reply(msgspec.json.encode(value), headers=tuple(call_headers(call))))
