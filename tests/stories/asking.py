"""A client of a few lines over http.client: what is sent and what comes back are bytes that no SDK has touched.

How the server was started is not known here (`served`).
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

TIME_OUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A port of loopback, and the credential to show there (None: no header at all)."""

    port: int
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The member `error` of the body."""
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def stream(self) -> Stream:
        """The body as a stream of events."""
        return Stream(self.body)


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of an event stream, taken apart without any leniency."""

    body: bytes

    @property
    def blocks(self) -> list[bytes]:
        """What stands between empty lines, comments included."""
        assert self.body.endswith(b"\n\n"), self.body[-200:]
        return self.body[:-2].split(b"\n\n")

    @property
    def data(self) -> list[bytes]:
        """The data of every event."""
        return [block.removeprefix(b"data: ") for block in self.blocks if not block.startswith(b":")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The events before `[DONE]`, read as JSON."""
        return [json.loads(data) for data in self.data if data != b"[DONE]"]

    def text(self, member: str = "content", choice: int = 0) -> str:
        """What the deltas of one choice say."""
        return "".join(
            each["delta"][member] or "" for chunk in self.chunks for each in chunk["choices"] if each["index"] == choice
        )


def ask(
    place: Place, method: str, path: str, body: object = None, *, headers: Mapping[str, str] = MappingProxyType({})
) -> Reply:
    """Send one request and read all of the answer; `body` is sent as JSON, bytes as they are."""
    with closing(http.client.HTTPConnection("127.0.0.1", place.port, timeout=TIME_OUT_S)) as connection:
        connection.request(method, path, _bytes(body), _headers(place, body) | dict(headers))
        response = connection.getresponse()
        return Reply(response.status, _lowered(response), response.read())


@contextmanager
def asking(place: Place, path: str, body: object) -> Iterator[http.client.HTTPResponse]:
    """Send a POST and hand out the answer unread; leaving closes the connection at once, as a client that goes."""
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=TIME_OUT_S)
    with closing(connection):
        connection.request("POST", path, _bytes(body), _headers(place, body))
        response = connection.getresponse()
        with closing(response):
            yield response


def sent(place: Place, path: str, body: object) -> socket.socket:
    """A connection on which a POST was sent and nothing was read."""
    content = _bytes(body) or b""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in _headers(place, body).items()]
    connection = socket.create_connection(("127.0.0.1", place.port), timeout=TIME_OUT_S)
    connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + content)
    return connection


def _bytes(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body).encode()


def _headers(place: Place, body: object) -> dict[str, str]:
    headers = {} if body is None else {"Content-Type": "application/json"}
    if place.authorization is not None:
        headers["Authorization"] = place.authorization
    return headers


def _lowered(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
