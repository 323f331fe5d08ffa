"""What engines and downloads need of an HTTP client: one request value, whole replies, and streams that close at once.

Every method may raise any TransportError and nothing else of the network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; None waits for ever.

    `connect_s` until the connection stands, `first_s` from the request to the first bytes of the reply's body (many
    send the head at once and then think), `idle_s` between two reads of it, `total_s` for all of it.
    """

    connect_s: float | None = 5.0
    first_s: float | None = 120.0
    idle_s: float | None = 60.0
    total_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request to a peer. Its headers may hold a credential, so they are never shown."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. Header names are in lower case; of repeated ones the last counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StreamedReply(Protocol):
    """A reply whose body is still arriving."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives: each piece is what one read brought, never empty."""
        ...

    async def whole(self, max_bytes: int) -> bytes:
        """The rest of the body. Raises ReplyTooLarge beyond `max_bytes`."""
        ...


class Transport(Protocol):
    """Sends requests. Statuses are values, not errors: 500 is a reply like any other."""

    def stream(self, request: Outgoing) -> AbstractAsyncContextManager[StreamedReply]:
        """POST, and read the reply as it arrives. Leaving the context closes the connection at once."""
        ...

    def fetch(self, request: Outgoing) -> AbstractAsyncContextManager[StreamedReply]:
        """GET, and read the reply as it arrives. Leaving the context closes the connection at once."""
        ...

    async def post(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """POST, and read the whole reply."""
        ...

    async def get(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """GET, and read the whole reply."""
        ...

    async def aclose(self) -> None:
        """Close all connections. Nothing may be on its way any more."""
        ...
