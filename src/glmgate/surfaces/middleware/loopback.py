"""The guard of a server without keys: only this machine's own programs may use it.

Against other machines, against pages that a browser loads from elsewhere, and against names that point here
(DNS rebinding): hence client, Origin and Host.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from glmgate.errors import PermissionRefused
from glmgate.surfaces.asgi import App, Receive, Scope, Send, text
from glmgate.surfaces.middleware.proxies import address
from glmgate.surfaces.request import Request, request_of


@dataclass(frozen=True, slots=True)
class LoopbackOnly:
    """Refuses with PermissionRefused. Origins that the settings allow may call, like pages of this machine."""

    app: App
    allowed_origins: tuple[str, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        reason = self._reason(request_of(scope))
        if reason:
            raise PermissionRefused(
                f"This server asks for no key, so it only answers programs of its machine: {reason}."
            )
        await self.app(scope, receive, send)

    def _reason(self, request: Request) -> str | None:
        host = text(request.headers, b"host") or ""
        origin = text(request.headers, b"origin")
        site = text(request.headers, b"sec-fetch-site")
        if not request.is_local:
            return "the request comes from elsewhere. Start it with keys"
        if not is_loopback_host(host):
            return f"the Host {host!r} is not a loopback name. Use http://127.0.0.1"
        if origin is not None:
            return None if self._is_own(origin) else f"the Origin {origin!r} is not allowed. See cors_origins"
        return "a page of another site sent the request" if site == "cross-site" else None

    def _is_own(self, origin: str) -> bool:
        return origin in self.allowed_origins or is_loopback_host(urlsplit(origin).netloc)


def is_loopback_host(host: str) -> bool:
    """Whether a Host header (with or without a port) or a host name means this machine."""
    name = host.lower() if host.startswith("[") else host.lower().partition(":")[0]
    if name in {"localhost", "localhost."} or name.endswith(".localhost"):
        return True
    found = address(host if host.count(":") > 1 else name)
    return found is not None and found.is_loopback
