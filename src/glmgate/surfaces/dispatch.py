"""The innermost application: finds the route, checks the credential, and hands over to the endpoint.

In this order, so that a body is never read for somebody who may not ask.
"""

from __future__ import annotations

from dataclasses import dataclass

from glmgate.errors import MethodNotAllowed, PermissionRefused
from glmgate.surfaces.asgi import Receive, Scope, Send, text
from glmgate.surfaces.exchange import Exchange, Services
from glmgate.surfaces.middleware.loopback import is_loopback_host
from glmgate.surfaces.reply import Reply
from glmgate.surfaces.request import Request, request_of
from glmgate.surfaces.table import Access, Match, Table
from glmgate.wire.engine import Caller

NOBODY = Caller(key_id="none")
"""Who asks where no key is needed."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """An ASGI application over a route table."""

    table: Table
    services: Services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request = request_of(scope)
        match = self._match(request)
        if match is None:
            await Reply(b"", status=200, headers=tuple(request.answer_headers)).send(send)
            return
        request.route = match.route.path
        caller = await self._caller(request, match.route.access)
        exchange = Exchange(request, self.services, caller, match.params, receive, send)
        try:
            await match.route.endpoint(exchange)
        finally:
            exchange.close()

    def _match(self, request: Request) -> Match | None:
        """The route; None for OPTIONS, whose answer is the list of methods (RFC 9110, section 9.3.7)."""
        try:
            return self.table.find(request)
        except MethodNotAllowed:
            if request.method == "OPTIONS":
                return None
            raise

    async def _caller(self, request: Request, access: Access) -> Caller:
        if access == "metrics" and not (request.is_local or self.services.settings.metrics_public):
            raise PermissionRefused("Metrics are shown to this machine only. Set metrics_public to show them to all.")
        if access in {"open", "metrics"} or (access == "local" and _is_here(request)):
            return NOBODY
        if access == "admin" and self.services.administration is None:
            raise PermissionRefused("This server asks for no keys, so there is nothing to administer.")
        caller = await self.services.gateway.identify(
            text(request.headers, b"authorization"), client=request.client, admin=access != "key"
        )
        request.key_id = caller.key_id
        return caller


def _is_here(request: Request) -> bool:
    """Whether a program of this machine asks; a page that a name of elsewhere led here is none."""
    host = text(request.headers, b"host") or ""
    return request.is_local and is_loopback_host(host) and text(request.headers, b"origin") is None
