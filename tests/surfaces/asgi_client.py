"""An HTTP client without a network: it calls the ASGI application in memory, as a server would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from glmgate.surfaces.asgi import App, Message
from glmgate.wire.sse import SseReader
from tests.fakes.gateway import KEY

AUTHORIZED = {"authorization": f"Bearer {KEY}", "host": "127.0.0.1:8000"}


@dataclass(slots=True)
class Response:
    """What came back: status, headers (last value wins), and the pieces of the body as they were sent."""

    status: int
    headers: dict[str, str]
    pieces: list[bytes]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)

    def json(self) -> Any:  # JSON
        """The body as JSON."""
        return msgspec.json.decode(self.body)

    def events(self) -> list[Any]:
        """The data of the body's events, decoded but for `[DONE]`."""
        reader = SseReader()
        data = [event.data for event in reader.feed(self.body)]
        assert not reader.unfinished
        return ["[DONE]" if item == b"[DONE]" else msgspec.json.decode(item) for item in data]


@dataclass(slots=True)
class Exchange:
    """One request under way; `gone` set is a client that has left."""

    incoming: list[Message]
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[Message] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        """As a server: the body's pieces, then nothing until the client leaves or the answer is over."""
        if self.incoming:
            return self.incoming.pop(0)
        waits = [asyncio.ensure_future(self.gone.wait()), asyncio.ensure_future(self.done.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Keep what the application sends, in the order that ASGI asks for."""
        expected = "http.response.body" if self.sent else "http.response.start"
        assert message["type"] == expected
        assert not self.done.is_set()
        self.sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.done.set()

    def response(self) -> Response:
        """What was sent so far."""
        assert self.sent, "nothing was answered"
        head = self.sent[0]
        headers = {name.decode(): value.decode("latin-1") for name, value in head["headers"]}
        return Response(head["status"], headers, [message["body"] for message in self.sent[1:] if message["body"]])


@dataclass(frozen=True, slots=True)
class AsgiClient:
    """Calls one application."""

    app: App
    peer: str = "127.0.0.1"

    async def get(self, path: str, headers: Mapping[str, str] = AUTHORIZED, *, method: str = "GET") -> Response:
        """A request without a body."""
        return await self.request(method, path, headers)

    async def post(self, path: str, body: object, headers: Mapping[str, str] = AUTHORIZED) -> Response:
        """A request with `body` as JSON (bytes: as they are)."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        length = {"content-length": str(len(data)), "content-type": "application/json"}
        return await self.request("POST", path, {**length, **headers}, [data])

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] = AUTHORIZED, pieces: Iterable[bytes] = ()
    ) -> Response:
        """Any request, its body in pieces."""
        exchange = self.exchange(pieces)
        await self.run(exchange, method, path, headers)
        return exchange.response()

    @staticmethod
    def exchange(pieces: Iterable[bytes] = ()) -> Exchange:
        """A request's body, ready to be sent."""
        given = list(pieces) or [b""]
        last = len(given) - 1
        return Exchange(
            [{"type": "http.request", "body": piece, "more_body": index < last} for index, piece in enumerate(given)]
        )

    async def run(self, exchange: Exchange, method: str, path: str, headers: Mapping[str, str] = AUTHORIZED) -> None:
        """Run the application for one request."""
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": raw,
            "raw_path": raw.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": (self.peer, 50000),
            "scheme": "http",
        }
        await self.app(scope, exchange.receive, exchange.send)
