"""A chat service on loopback that answers by script, remembers what it was asked, and notices who leaves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Answering:
    """One answer of the script: a status with a body, or a stream of events with seconds of silence between them."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[Any | float] = ()


def text(*pieces: str, tokens: int = 7, finish: str = "stop") -> Answering:
    """A stream of these pieces of text that ends well."""
    return Answering(events=(*(chunk(content=piece) for piece in pieces), *ending(finish, tokens)))


def chunk(*, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk of a stream."""
    return {"model": "scripted", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def ending(finish: str = "stop", tokens: int = 7) -> tuple[Any, ...]:
    """The chunks that end a stream."""
    return chunk(finish=finish), {"choices": [], "usage": {"completion_tokens": tokens}}, "[DONE]"


def calling(name: str, arguments: str) -> Answering:
    """A stream that calls a tool, its arguments in two pieces."""
    half = len(arguments) // 2
    first = {"index": 0, "id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments[:half]}}
    second = {"index": 0, "function": {"arguments": arguments[half:]}}
    return Answering(events=(chunk(tool_calls=[first]), chunk(tool_calls=[second]), *ending("tool_calls")))


@dataclass(slots=True)
class Scripted:
    """The service: what it will say, what it was asked, and when clients left in the middle of an answer."""

    url: str = ""
    answers: list[Answering] = field(default_factory=list)
    models: Answering = field(default_factory=lambda: Answering(body={"data": [{"id": "scripted"}]}))
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left_at: list[float] = field(default_factory=list)

    def wait_until_left(self) -> float:
        """When the first client left in the middle of an answer, on the monotonic clock."""
        end = time.monotonic() + PATIENCE_S
        while not self.left_at:
            assert time.monotonic() < end, "nobody left"
            time.sleep(0.01)
        return self.left_at[0]


class _Handler(BaseHTTPRequestHandler):
    scripted: Scripted

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        pass

    def do_GET(self) -> None:
        self._whole(self.scripted.models)

    def do_POST(self) -> None:
        self.scripted.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.scripted.keys.append(self.headers["Authorization"])
        answering = self.scripted.answers.pop(0)
        if answering.events:
            self._stream(answering)
        else:
            self._whole(answering)

    def _whole(self, answering: Answering) -> None:
        body = answering.body if isinstance(answering.body, bytes) else json.dumps(answering.body).encode()
        self.send_response(answering.status)
        for name, value in {"Content-Type": "application/json", **answering.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, answering: Answering) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for event in answering.events:
                if isinstance(event, float):
                    self._rest(event)
                    continue
                data = event if isinstance(event, str) else json.dumps(event)
                self.wfile.write(f"data: {data}\n\n".encode())
                self.wfile.flush()
        except OSError:
            self.scripted.left_at.append(time.monotonic())

    def _rest(self, seconds: float) -> None:
        # A client that closes makes the socket readable; without one the time passes.
        self.connection.settimeout(seconds)
        try:
            if not self.connection.recv(1):
                raise ConnectionResetError
        except TimeoutError:
            pass


@contextmanager
def scripted(*answers: Answering) -> Iterator[Scripted]:
    """A service with these answers, in their order."""
    service = Scripted(answers=list(answers))
    handler = type("Handler", (_Handler,), {"scripted": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
