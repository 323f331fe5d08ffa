"""Every error becomes an answer here: a body with its status, or the last event of a stream that has begun.

Which error it is was decided where it was raised; how it is written is `wire.error_body`.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass

from glmgate.errors import AuthenticationFailed, BodyUnreadable, GlmgateError, InternalError, Unavailable
from glmgate.surfaces.asgi import App, Header, Receive, Scope, Send
from glmgate.surfaces.body import is_costly_to_skip
from glmgate.surfaces.presence import ClientGone
from glmgate.surfaces.reply import Reply, limit_headers
from glmgate.surfaces.request import Request, request_of
from glmgate.telemetry.log import get_logger
from glmgate.wire.error_body import error_body, error_event, other_code

_log = get_logger("glmgate.surfaces")
LINGER_S = 2.0
"""How long a refused body is still taken in, so that its sender gets to read why (RFC 9112, section 9.6)."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Catches what the application inside raises. A client that has gone gets no answer."""

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request = request_of(scope)
        try:
            await self.app(scope, receive, send)
        except ClientGone:
            return
        except asyncio.CancelledError:
            # Only the server cancels, when the grace of its shutdown is over: the client is told, and that was all.
            await _tell(Unavailable("The server is stopping. Try again.", retry_after_s=1.0), request, receive, send)
        except Exception as exc:  # noqa: BLE001  # the border of a request: what is unknown is logged and answered
            await _tell(_known(exc, request), request, receive, send)


def _known(exc: Exception, request: Request) -> GlmgateError:
    """`exc` as an error of ours. What we don't know is logged, and nothing of it is told."""
    if isinstance(exc, GlmgateError):
        return exc
    _log.error("unexpected failure", request_id=request.id, exc_info=exc)
    if isinstance(exc, RecursionError):
        return BodyUnreadable("The body is nested too deeply.")
    return InternalError(f"Something broke here. Tell the operator the request id {request.id}.")


async def _tell(error: GlmgateError, request: Request, receive: Receive, send: Send) -> None:
    surface = request.place.surface
    request.error_code = error.code
    if request.streams:
        event = error_event(error, surface, request.id)
        await send({"type": "http.response.body", "body": event, "more_body": False})
        return
    if request.status is not None:
        return  # in the middle of a plain answer: the server cuts the connection, which is all that can be said
    closes = is_costly_to_skip(request)
    headers = tuple(_headers(error, request)) + (((b"connection", b"close"),) if closes else ())
    reply = Reply(error_body(error, surface, request.id), status=error.status, headers=headers)
    await reply.send(send, more=closes)
    if closes:
        await _skip_body(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _skip_body(receive: Receive) -> None:
    """Take what the client still sends, for a moment.

    Closing at once would reset the connection, and a client that is still writing would never see the answer.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body", False):
                pass


def _headers(error: GlmgateError, request: Request) -> list[Header]:
    headers: list[Header] = [(b"x-glm-code", other_code(error, request.place.surface).encode("latin-1", "replace"))]
    if error.retry is not None:
        headers.append((b"x-should-retry", b"true" if error.retry else b"false"))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after_s))).encode("ascii")))
        headers.append((b"retry-after-ms", str(math.ceil(error.retry_after_s * 1000)).encode("ascii")))
    if isinstance(error, AuthenticationFailed):
        headers.append((b"www-authenticate", b"Bearer"))
    limits = [] if request.call is None else limit_headers(request.call)
    return [*headers, *limits, *request.answer_headers]
