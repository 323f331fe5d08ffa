"""The ASGI application: all middlewares folded around the dispatch. It only puts together."""

from __future__ import annotations

from dataclasses import dataclass

from glmgate.gateway.administration import Administration
from glmgate.surfaces import catalogue, openapi
from glmgate.surfaces.asgi import App, Receive, Scope, Send
from glmgate.surfaces.body import BodyBudget
from glmgate.surfaces.dispatch import Dispatch
from glmgate.surfaces.exchange import Services
from glmgate.surfaces.interfaces import Gateway, Operations
from glmgate.surfaces.middleware.access_log import AccessLog
from glmgate.surfaces.middleware.cors import Cors
from glmgate.surfaces.middleware.failures import Failures
from glmgate.surfaces.middleware.loopback import LoopbackOnly
from glmgate.surfaces.middleware.proxies import Proxies, networks
from glmgate.surfaces.middleware.request_id import RequestId
from glmgate.surfaces.routes import SERVED
from glmgate.surfaces.settings import ServerSettings
from glmgate.surfaces.table import Route, Table


@dataclass(frozen=True, slots=True)
class Application:
    """Both surfaces as one ASGI application. It has no lifespan: what it needs was opened before it was built."""

    http: App
    services: Services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] == "http":
            await self.http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003, "reason": "not served"})
        else:
            raise NotImplementedError(scope["type"])  # ASGI's word for a scope that an application does not know


def routes() -> tuple[Route, ...]:
    """All routes: what is served, what is only known, and their description."""
    found = [*SERVED, *catalogue.routes()]
    description = openapi.endpoint(found)  # it reads the list later, and finds itself in it
    found.append(Route("GET", "/openapi.json", description, "This description", access="open", rooted=True))
    return tuple(found)


def build(
    gateway: Gateway,
    operations: Operations,
    settings: ServerSettings,
    administration: Administration | None = None,
) -> Application:
    """Put the application together. Raises SettingsError where the settings contradict each other."""
    services = Services(gateway, settings, operations, BodyBudget(settings.total_body_bytes), administration)
    app: App = Dispatch(Table(routes()), services)
    if not settings.auth:
        app = LoopbackOnly(app, settings.cors_origins)
    app = Failures(app)
    if settings.cors_origins:
        app = Cors(app, settings.cors_origins)
    app = Proxies(app, networks(settings.trusted_proxies))
    return Application(RequestId(AccessLog(app)), services)
