"""Cross-origin access for browser pages, from an allow-list (Fetch standard, section 3.2).

Off without a list. Keys travel in a header that pages set themselves, so credentials mode is never allowed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from glmgate.surfaces.asgi import App, Header, Message, Receive, Scope, Send
from glmgate.surfaces.reply import Reply
from glmgate.surfaces.request import request_of

_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
_MAX_AGE_S = b"600"  # Chromium keeps no answer longer than two hours; ten minutes let a changed list take effect
_FIELD_NAMES = re.compile(rb"[A-Za-z0-9_, -]+")
_EXPOSED = b", ".join(
    (
        b"x-request-id",
        b"openai-processing-ms",
        b"x-glmgate-adaptations",
        b"x-glmgate-cache",
        b"x-glm-code",
        b"x-should-retry",
        b"retry-after",
        b"retry-after-ms",
    )
)


@dataclass(frozen=True, slots=True)
class Cors:
    """Answers preflights (which never carry a key) and marks the answers to allowed origins."""

    app: App
    origins: tuple[str, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request = request_of(scope)
        origin = request.headers.get(b"origin")
        if origin is None or not self._allows(origin):
            await self.app(scope, receive, send)
            return
        marks = self._marks(origin)
        if request.method == "OPTIONS" and b"access-control-request-method" in request.headers:
            await self._preflight(marks, request.headers.get(b"access-control-request-headers", b"*"), send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = (b"access-control-expose-headers", _EXPOSED)
                message["headers"] = [*message["headers"], *marks, exposed]
            await send(message)

        await self.app(scope, receive, send_marked)

    def _allows(self, origin: bytes) -> bool:
        return "*" in self.origins or origin.decode("latin-1") in self.origins

    def _marks(self, origin: bytes) -> tuple[Header, ...]:
        if "*" in self.origins:
            return ((b"access-control-allow-origin", b"*"),)
        return ((b"access-control-allow-origin", origin), (b"vary", b"origin"))

    @staticmethod
    async def _preflight(marks: tuple[Header, ...], headers: bytes, send: Send) -> None:
        allowed = (
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", headers if _FIELD_NAMES.fullmatch(headers) else b"*"),
            (b"access-control-max-age", _MAX_AGE_S),
        )
        await Reply(b"", status=200, headers=(*marks, *allowed)).send(send)
