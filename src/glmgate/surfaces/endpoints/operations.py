"""The paths for operators, and the small page at the root."""

from __future__ import annotations

import msgspec

from glmgate import __version__
from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.paths import BASES
from glmgate.surfaces.reply import Reply

_NOT_KEPT = (b"cache-control", b"no-store")
_RETRY_AFTER = (b"retry-after", b"1")


async def livez(exchange: Exchange) -> None:
    """GET /livez: the process serves."""
    await exchange.reply_json({"status": "ok"})


async def readyz(exchange: Exchange) -> None:
    """GET /readyz: requests can be answered; 503 while they cannot. Engines and their states stand in the body."""
    readiness = exchange.services.operations.readiness()
    body = msgspec.json.encode(
        {"status": "ready" if readiness.ready else "not_ready", "engines": dict(readiness.engines)}
    )
    if readiness.ready:
        await exchange.reply(Reply(body))
    else:
        await exchange.reply(Reply(body, status=503, headers=(_RETRY_AFTER,)))


async def metrics(exchange: Exchange) -> None:
    """GET /metrics: for Prometheus."""
    exposition = exchange.services.operations.exposition()
    await exchange.reply(Reply(exposition.body, content_type=exposition.content_type.encode("latin-1")))


async def now(exchange: Exchange) -> None:
    """GET /glmgate/now: requests under way, slots, queues and engines, for `glmgate top`."""
    body = msgspec.json.encode(exchange.services.operations.now())
    await exchange.reply(Reply(body, headers=(_NOT_KEPT,)))


async def index(exchange: Exchange) -> None:
    """GET /: what this is, for whoever opens it in a browser."""
    await exchange.reply_json(
        {
            "name": "glmgate",
            "version": __version__,
            "base_urls": [base for base, _ in BASES],
            "openapi": "/openapi.json",
        }
    )
