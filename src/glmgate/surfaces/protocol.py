"""uvicorn's HTTP/1.1 protocol with what it lacks: bounds on the head and on time, and refusals in JSON.

Everything above HTTP/1.1 is the application's.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from glmgate.errors import BodyTimedOut, GlmgateError, HeadTooLarge, InvalidRequest
from glmgate.surfaces.drain import Drain
from glmgate.surfaces.paths import place_of
from glmgate.surfaces.request import new_id
from glmgate.surfaces.settings import ServerSettings
from glmgate.wire.error_body import error_body

_H2C_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)
"""Java's HTTP client offers HTTP/2 with each first request. An offer may be passed over (RFC 9110, section 7.8), but
llhttp then takes a request's body for HTTP/2, so the offer has to go before it is parsed."""


class BoundedConfig(uvicorn.Config):
    """uvicorn's configuration, with our settings for `BoundedProtocol`, and whether the server is about to stop."""

    bounds: ServerSettings = ServerSettings()
    drain: Drain = Drain()


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    A head has to be complete `header_timeout_s` after the connection was made or its first byte came, and may have
    `max_head_bytes` (neither uvicorn nor llhttp bounds them). The rest of a body whose request was answered already
    is skipped under the same time. A client that takes no bytes for `write_timeout_s` is cut off.
    """

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = config.bounds
        self._drain = config.drain
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._refusal: GlmgateError | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm_head_timer()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm_head_timer()
        self._disarm_write_timer()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    @override
    def data_received(self, data: bytes) -> None:
        if b"h2c" in data and (self._in_head or self._is_idle):
            head, blank, rest = data.partition(b"\r\n\r\n")
            data = _H2C_OFFER.sub(b"", head + blank[:2]) + blank[2:] + rest
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            # httptools keeps the pieces of an unfinished header to itself, so they are counted as they come in.
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.max_head_bytes:
                self._refuse(self._too_large())
        elif self._is_idle and self._head_timer is None and self.timeout_keep_alive_task is None:
            self._arm_head_timer()  # bytes that began no request: blank lines, or the rest of a refused body

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._arm_head_timer()

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._check_head(len(self.url))

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        self._check_head(self._head_bytes + len(self.url))

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm_head_timer()
        super().on_headers_complete()
        if self._drain.begun:
            self.cycle.keep_alive = False

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._is_idle and not self.transport.is_closing():
            self._disarm_head_timer()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._disarm_write_timer()
        self._write_timer = self.loop.call_later(self._bounds.write_timeout_s, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._disarm_write_timer()

    @override
    def timeout_keep_alive_handler(self) -> None:
        """Not `close`, which waits for a client to read what it has left unread all this time."""
        self.transport.abort()

    @override
    def send_400_response(self, msg: str) -> None:
        """What could not be parsed, or was refused by one of our callbacks."""
        refusal = self._refusal or InvalidRequest("This is not HTTP/1.1 as RFC 9112 has it.", code="invalid_http")
        self._refuse(refusal)

    @property
    def is_asking(self) -> bool:
        """Whether a request is on its way: its head has begun to come in, or the connection was only made for it."""
        return self._in_head or self.cycle is None

    def send_away(self) -> None:
        """The answer under way is this connection's last; its head says so where it was not sent yet."""
        if not self._is_idle:
            self.cycle.keep_alive = False

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """Staying with HTTP/1.1 is a right answer to any offer, and not worth a warning in the log."""

    @property
    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own type hides that there is none at first
        return cycle is None or cycle.response_complete

    def _check_head(self, size: int) -> None:
        if size > self._bounds.max_head_bytes:
            self._refusal = self._too_large()
            raise self._refusal

    def _too_large(self) -> HeadTooLarge:
        return HeadTooLarge(f"Request line and headers are larger than {self._bounds.max_head_bytes} bytes.")

    def _arm_head_timer(self) -> None:
        self._disarm_head_timer()
        self._head_timer = self.loop.call_later(self._bounds.header_timeout_s, self._head_is_late)

    def _disarm_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _disarm_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._is_idle:
            self._arm_head_timer()  # an answer is on its way; what was begun behind it can wait
        elif self._in_head:
            self._refuse(BodyTimedOut("The request's headers did not arrive in time."))
        else:
            self.transport.close()

    def _refuse(self, error: GlmgateError) -> None:
        """Answer and close, without the application; only close when that would fall into another answer."""
        is_busy = not self._is_idle and (self._in_head or bool(self.pipeline) or self.cycle.response_started)
        if not (is_busy or self.transport.is_closing()):
            self.transport.write(self._answer(error))
        self.transport.close()

    def _answer(self, error: GlmgateError) -> bytes:
        request_id = new_id()
        surface = place_of((getattr(self, "url", None) or b"/").decode("latin-1")).surface
        body = error_body(error, surface, request_id)
        lines = [
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            f"x-request-id: {request_id}",
            "x-should-retry: false",
            "connection: close",
        ]
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
