"""The files that LangChain's suite downloads, from this machine: a proxy stands for the hosts that have them.

The suite asks for them with plain `httpx.get`, which obeys `HTTPS_PROXY` and `SSL_CERT_FILE`.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import trustme

DOT: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
PAGE: Final = b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"
FILES: Final[Mapping[str, tuple[str, bytes]]] = {
    "raw.githubusercontent.com": ("image/png", DOT),
    "www.w3.org": ("application/pdf", PAGE),
}


@contextmanager
def proxied(folder: Path) -> Iterator[dict[str, str]]:
    """The variables that lead a client of HTTP to the proxy."""
    authority = trustme.CA()
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*FILES).configure_cert(context)
    port: Future[int] = Future()
    stop: Future[Callable[[], object]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_run(context, port, stop)), name="downloads")
    thread.start()
    try:
        yield {
            "HTTPS_PROXY": f"http://127.0.0.1:{port.result(10)}",
            "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(bundle),
        }
    finally:
        stop.result(10)()
        thread.join(10)


async def _run(context: ssl.SSLContext, port: Future[int], stop: Future[Callable[[], object]]) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1].partition(":")[0]
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await writer.start_tls(context)
        await reader.readuntil(b"\r\n\r\n")
        kind, content = FILES[host]
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port.set_result(server.sockets[0].getsockname()[1])
    stop.set_result(lambda: loop.call_soon_threadsafe(over.set))
    await over.wait()
    server.close()
