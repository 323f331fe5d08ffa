"""A service on loopback for the doctor: each path answers as a test says, and all that was asked is remembered."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "0123456789abcdef0123456789abcdef.Zx9Zx9Zx9Zx9Zx9Z"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: JSON, bytes, or a stream of events; after `wait_s`."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


Rule = Reply | Callable[[Asked], Reply]


@dataclass(slots=True)
class Service:
    """What answers by path, what was asked, and how many questions were there at the same time at most."""

    rules: dict[str, Rule]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    together: int = 0
    most_together: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def questions(self) -> list[Asked]:
        """The requests that cost something."""
        return [each for each in self.asked if each.method == "POST"]


def answer(asked: Asked) -> Reply:
    """A model that does all it is asked for, and thinks where thinking is on; a stream where one is asked for."""
    thinks = asked.body.get("thinking", {}).get("type") == "enabled"
    message: dict[str, Any] = {"role": "assistant", "content": "OK"}
    if "tools" in asked.body:
        message |= {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "now"}}]}
    if "response_format" in asked.body:
        message["content"] = '{"ok": true}'
    if thinks:
        message["reasoning_content"] = "hm"
    if asked.body.get("stream"):
        return events({"content": "O"}, {"content": "K"}, finish="stop")
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return Reply({"model": asked.body["model"], "choices": [choice], "usage": {"total_tokens": 9}})


def events(*deltas: dict[str, Any], finish: str | None) -> Reply:
    """A stream of these deltas."""
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    if finish is not None:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return Reply(text.encode(), headers={"Content-Type": "text/event-stream"})


def message(asked: Asked) -> Reply:
    """An answer of the surface with blocks of content."""
    return Reply({"model": asked.body["model"], "content": [{"type": "text", "text": "OK"}], "stop_reason": "end_turn"})


def refused(status: int, code: str = "", text: str = "No.", **headers: str) -> Reply:
    """A refusal as services write it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": {"code": code, "message": text}}, status, named)


def models(*names: str, owner: str = "somebody") -> Reply:
    """A list of models."""
    return Reply({"object": "list", "data": [{"id": name, "object": "model", "owned_by": owner} for name in names]})


NO_CREDIT = refused(429, "1113", "Insufficient balance or no resource package. Please recharge.")


def well(prefix: str = "/v1", *names: str, owner: str = "somebody") -> dict[str, Rule]:
    """A surface below `prefix` on which all is well."""
    return {f"{prefix}/models": models(*(names or ("some-model",)), owner=owner), f"{prefix}/chat/completions": answer}


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        pass

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: dict[str, Any]) -> None:
        service = self.service
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        with service.lock:
            service.asked.append(asked)
            service.together += 1
            service.most_together = max(service.most_together, service.together)
        try:
            rule = service.rules.get(self.path, Reply({"detail": "Not Found"}, 404))
            reply = rule(asked) if callable(rule) else rule
            time.sleep(reply.wait_s)
            self._write(reply)
        except OSError:
            pass  # who asked did not wait
        finally:
            with service.lock:
                service.together -= 1

    def _write(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", "Date": self.date_time_string(), **reply.headers}
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle of a handshake is no fault of a test."""


@contextmanager
def serving(rules: Mapping[str, Rule], *, context: ssl.SSLContext | None = None) -> Iterator[Service]:
    """A service with these rules; with a `context` it speaks TLS. Its `url` has no path."""
    service = Service(dict(rules))
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    if context is not None:
        # Handshakes belong to the threads that serve: a client that refuses ours must not end the server.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    service.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def tunnel(port: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that connects whoever asks for any place with this port of ours; its URL, and the places asked for."""
    wanted: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            wanted.append(self.rfile.readline().decode().split()[1])
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as behind:
                back = threading.Thread(target=_copy, args=(behind, self.connection))
                back.start()
                _copy(self.connection, behind)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", wanted
        finally:
            server.shutdown()
            thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
