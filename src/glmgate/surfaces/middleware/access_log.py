"""One line for each request that never reached the gateway, which writes the lines of all others.

No contents, no path as it was sent: a path may hold what a caller typed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from glmgate.surfaces.asgi import App, Receive, Scope, Send
from glmgate.surfaces.request import Request, request_of

_log = logging.getLogger("glmgate.surfaces")
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines; a line for each would drown the others."""


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Writes the line when the request is over."""

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request = request_of(scope)
        try:
            await self.app(scope, receive, send)
        finally:
            if not request.is_logged_by_gateway and request.place.path not in _PROBES:
                _log.info("request", extra=_line(request))


def _line(request: Request) -> dict[str, object]:
    return {
        "request_id": request.id,
        "key_id": request.key_id,
        "method": request.method,
        "base": request.place.base,
        "status": request.status,
        "ms": round(request.elapsed_s * 1000, 1),
    }
