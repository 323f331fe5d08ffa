"""A whole answer as one value, and how it is sent. Streams are `events`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from glmgate.surfaces.asgi import Header, Send
from glmgate.wire.engine import Call, Note
from glmgate.wire.headroom import headers

JSON = b"application/json"
MAX_REPORT_BYTES = 2048
"""Servers and proxies commonly allow 4 to 8 KiB for all headers of an answer; the report may not break it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers; content type and length are added when it is sent."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()

    def head(self) -> list[Header]:
        """All headers."""
        length = str(len(self.body)).encode("ascii")
        return [(b"content-type", self.content_type), (b"content-length", length), *self.headers]

    async def send(self, send: Send, *, more: bool = False) -> None:
        """Send it. With `more`, the server is not told yet that this was all."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.head()})
        await send({"type": "http.response.body", "body": self.body, "more_body": more})


def call_headers(call: Call) -> list[Header]:
    """The headers that say what was done for the answer, as far as it is known now."""
    cached = [] if call.cache_use is None else [(b"x-glmgate-cache", call.cache_use.encode("ascii"))]
    return report_headers(call.notes) + cached + limit_headers(call)


def limit_headers(call: Call) -> list[Header]:
    """The headers that say what is left of the limits, as OpenAI sends them, and which budgets are overrun."""
    found = [] if call.headroom is None else headers(call.headroom)
    if call.overruns:
        found.append((b"x-glmgate-budget-spent", "; ".join(call.overruns).encode("ascii", "replace")))
    return found


def report_headers(notes: Iterable[Note]) -> list[Header]:
    """The header that says what was changed, as far as it is known now; what is too long for it stands in the body."""
    said: list[str] = []
    size = 0
    for text in map(str, notes):
        size += len(text) + 2
        if not text.isascii() or not text.isprintable() or size > MAX_REPORT_BYTES:
            said.append("more")
            break
        said.append(text)
    return [(b"x-glmgate-adaptations", "; ".join(said).encode("ascii"))] if said else []
