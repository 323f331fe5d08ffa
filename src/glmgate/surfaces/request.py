"""What is known of one HTTP request, and what has happened to it so far: one value, kept in the ASGI scope.

Its body is not read here (`body`), and nothing is sent.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from glmgate.surfaces.asgi import Scope, first_values, text
from glmgate.surfaces.paths import Place, place_of
from glmgate.wire.engine import Call

_KEY = "glmgate.request"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


@dataclass(slots=True)
class Request:
    """One request: its facts, then its state.

    `started` is on the monotonic clock, in seconds; `created` in seconds since the epoch. `client` is the address of
    who asks, as far as trusted proxies tell; `is_local` says that it is this machine and that no proxy stands between.
    `query` is what stands behind the question mark, as it was sent.
    `call` is what became of it at the gateway.
    """

    id: str
    created: int
    started: float
    method: str
    place: Place
    headers: Mapping[bytes, bytes]
    query: str = ""
    client: str | None = None
    scheme: str = "http"
    is_local: bool = False
    body_is_read: bool = False
    streams: bool = False
    status: int | None = None
    key_id: str | None = None
    route: str | None = None
    error_code: str | None = None
    call: Call | None = None
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def is_logged_by_gateway(self) -> bool:
        """Whether the gateway reports on it: it has become a call of a model."""
        return self.call is not None

    @property
    def elapsed_s(self) -> float:
        """Seconds since it came in."""
        return time.monotonic() - self.started


def begin(scope: Scope) -> Request:
    """Make the value for an HTTP scope and put it there."""
    headers = first_values(scope["headers"])
    raw = scope.get("raw_path")
    request = Request(
        id=_id(text(headers, b"x-request-id")),
        created=int(time.time()),
        started=time.monotonic(),
        method=scope["method"],
        place=place_of(raw.decode("latin-1") if raw else scope["path"]),
        headers=headers,
        query=scope.get("query_string", b"").decode("latin-1"),
        scheme=scope.get("scheme", "http"),
    )
    scope[_KEY] = request
    return request


def request_of(scope: Scope) -> Request:
    """The value that `begin` put into the scope."""
    return cast("Request", scope[_KEY])


def new_id() -> str:
    """An id in the form of Z.AI's: 14 digits of time (UTC) and 16 of chance (contract 3.2)."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime()) + secrets.token_hex(8)


def _id(given: str | None) -> str:
    """The client's id when it is fit for a header and a log line, else one of our own."""
    return given if given and _SANE_ID.fullmatch(given) else new_id()
