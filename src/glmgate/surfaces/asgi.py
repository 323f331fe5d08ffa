"""The types of ASGI 3 as this package uses them, and how headers are read.

Nothing of glmgate's own meaning lives here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]


class App(Protocol):
    """An ASGI application; a middleware is one that holds another."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's scope."""
        ...


def first_values(headers: Iterable[Header]) -> dict[bytes, bytes]:
    """Name (lower case, as ASGI gives them) → the first value of that name."""
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        values.setdefault(name, value)
    return values


def joined(headers: Iterable[Header], name: bytes) -> str:
    """All values of `name` as one list with commas (RFC 9110, section 5.3)."""
    return ",".join(value.decode("latin-1") for header, value in headers if header == name)


def text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """The value of `name`, or None."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
