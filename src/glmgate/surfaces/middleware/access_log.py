"""One line for each request that never reached the gateway, which writes the lines of all others.

No contents, no path as it was sent: a path may hold what a caller typed.
"""

from __future__ import annotations

from dataclasses import dataclass

from glmgate.surfaces.asgi import App, Receive, Scope, Send
from glmgate.surfaces.request import Request, request_of
from glmgate.telemetry.log import get_logger

_log = get_logger("glmgate.surfaces")
_PROBES = frozenset({"/livez", "/readyz", "/metrics", "/glmgate/now"})
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
                _log.info(
                    "request",
                    request_id=request.id,
                    key_id=request.key_id,
                    surface=request.place.surface,
                    method=request.method,
                    base=request.place.base,
                    route=request.route,
                    status=request.status,
                    ending=_ending(request),
                    error=request.error_code,
                    total_ms=round(request.elapsed_s * 1000, 1),
                )


def _ending(request: Request) -> str:
    """The words of the gateway's lines, as far as they fit a request that never became one of a model."""
    if request.status is None:
        return "client_left_before"
    if request.error_code is None:
        return "completed"
    return "refused" if request.status < 500 or request.status == 501 else "failed_before"
