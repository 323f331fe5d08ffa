"""Asking a server: what it answers, and how every other answer is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typing_extensions import override

from glmgate.cli.top.fetching import PATH, fetch, read
from glmgate.errors import SettingsError, Unavailable


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server that answers so, and the paths and credentials that it was asked with."""
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_what_the_server_says(path: str) -> None:
    """Also where somebody gives the base URL that clients use."""
    with answering(200, b'{"in_flight":3}') as (url, asked):
        assert read(fetch(url + path, None)).in_flight == 3
    assert asked == [(PATH, None)]


def test_a_key_is_shown_to_who_is_named() -> None:
    """As every other client does."""
    with answering(200, b"{}") as (url, asked):
        fetch(f"{url}/below", "id.secret")
    assert asked == [(f"/below{PATH}", "Bearer id.secret")]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            403,
            b'{"error":{"message":"Not from here."}}',
            r"403: Not from here\. Give an .*--key",
        ),
        (401, b"\xff", "401: it did not say why. Give an administrator's key"),
        (404, b"[]", "404: .*another program"),
        (500, b'{"error":null}', "500: it did not say why.$"),
    ],
)
def test_a_refusal_is_told_with_what_helps(status: int, body: bytes, message: str) -> None:
    """In the server's words, where it has some."""
    with answering(status, body) as (url, _), pytest.raises(Unavailable, match=message):
        fetch(url, None)


def test_where_nobody_listens_it_says_how_one_would() -> None:
    """The commonest reason."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=r"`glmgate serve` starts one\.$"):
            fetch(url, None)
        with pytest.raises(Unavailable, match=r"address of the settings \(\[server\] host and port\).*give --url or"):
            fetch(url, None, by_settings=True)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "http://", ""])
def test_what_is_no_url_is_told(url: str) -> None:
    """With one that is."""
    with pytest.raises(SettingsError, match="must be a URL such as"):
        fetch(url, None)


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"requests":[]}', b'{"in_flight":"many"}', b"\xff"])
def test_another_programs_answer_is_told(data: bytes) -> None:
    """Not as a traceback."""
    with pytest.raises(Unavailable, match="no glmgate of this kind"):
        read(data)


def test_members_of_a_newer_server_are_not_looked_at() -> None:
    """And those that an older one lacks have values."""
    now = read(b'{"in_flight":1,"unheard_of":{},"requests":[{"model":"m","new":1}]}')
    assert (now.requests[0].model, now.minute.requests) == ("m", 0)
