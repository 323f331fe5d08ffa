"""The list of models, and one of them (contract M2)."""

from __future__ import annotations

from typing import Any

from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.interfaces import ModelCard


async def models(exchange: Exchange) -> None:
    """GET models: those that really answer."""
    data = [_card(card) for card in exchange.gateway.cards(exchange.caller)]
    await exchange.reply_json({"object": "list", "data": data})


async def model(exchange: Exchange) -> None:
    """GET models/{model}: also a name that another model answers for."""
    await exchange.reply_json(_card(exchange.gateway.card(exchange.caller, exchange.params["model"])))


def _card(card: ModelCard) -> dict[str, Any]:
    """A card in OpenAI's form, with what we know beyond it."""
    body: dict[str, Any] = {
        "id": card.id,
        "object": "model",
        "created": card.created,
        "owned_by": card.owned_by,
        "kind": card.kind,
    }
    if card.context_length is not None:
        body["context_length"] = card.context_length
    if card.answered_by is not None:
        body["glmgate"] = {"answered_by": card.answered_by}
    return body
