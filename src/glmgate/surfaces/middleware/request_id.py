"""Gives each request its id and its time, and puts both on every answer.

Must be the outermost: all others rely on the value that it puts into the scope.
"""

from __future__ import annotations

from dataclasses import dataclass

from glmgate.surfaces.asgi import App, Message, Receive, Scope, Send
from glmgate.surfaces.request import Request, begin


@dataclass(frozen=True, slots=True)
class RequestId:
    """Makes the Request. The id is the client's `x-request-id` where that is fit for a header and a log line."""

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request = begin(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_headers(request)]
            await send(message)

        await self.app(scope, receive, send_with_id)


def _headers(request: Request) -> list[tuple[bytes, bytes]]:
    """What every answer carries. OpenAI's SDKs show both (contract 1.1 and 3.5)."""
    elapsed_ms = int(request.elapsed_s * 1000)
    return [
        (b"x-request-id", request.id.encode("ascii")),
        (b"openai-processing-ms", str(elapsed_ms).encode("ascii")),
    ]
