"""A loopback hub, both dialects, with a CDN on another port: it serves one file, and others beside it.

It goes wrong as a test tells it to; what a pull makes of that is in the tests.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

REPOSITORY: Final = "someone/some-model-gguf"
FILE: Final = "some-model-Q4_K_M.gguf"

_PIECE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """How one request for the file goes wrong. `after`: bytes of the body that come, for `held` until `go` is set."""

    kind: Literal["cut", "stall", "short", "status", "whole", "long", "total", "elsewhere", "corrupt", "slow", "held"]
    after: int = 0
    status: int = 503
    headers: str = ""


@dataclass
class Heard:
    """A request as it came in."""

    server: Literal["hub", "cdn"]
    target: str
    headers: dict[str, str]


@dataclass
class LoopbackHub:
    """What it serves and what it heard. Each fault is used for one request to where the bytes are."""

    content: bytes
    url: str = ""
    cdn: str = ""
    sha256: str = ""
    listed_size: int = 0
    names: tuple[str, ...] = (FILE, "README.md")
    others: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    listing_faults: list[Fault] = field(default_factory=list)
    location: str | None = None
    heard: list[Heard] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()
        self.listed_size = self.listed_size or len(self.content)

    def asked(self) -> list[Heard]:
        """The requests to where the bytes are."""
        return [each for each in self.heard if each.server == "cdn" or "FilePath" in each.target]

    def begins(self) -> list[int]:
        """Where each of these began to read."""
        return [_begin(each.headers) for each in self.asked()]


@asynccontextmanager
async def hub_of(content: bytes) -> AsyncIterator[LoopbackHub]:
    """A hub that serves these bytes."""
    hub = LoopbackHub(content)

    async def serve(server: Literal["hub", "cdn"], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            hub.heard.append(Heard(server, lines[0].split(" ")[1], headers))
            await _answer(hub, hub.heard[-1], writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    front = await asyncio.start_server(lambda r, w: serve("hub", r, w), "127.0.0.1", 0)
    back = await asyncio.start_server(lambda r, w: serve("cdn", r, w), "127.0.0.1", 0)
    hub.url = f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}"
    hub.cdn = f"http://127.0.0.1:{back.sockets[0].getsockname()[1]}"
    try:
        yield hub
    finally:
        front.close()
        back.close()


async def _answer(hub: LoopbackHub, request: Heard, writer: asyncio.StreamWriter) -> None:
    path = urlsplit(request.target).path
    if path.startswith("/api/models/") or path.endswith("/repo/files"):
        fault = hub.listing_faults.pop(0) if hub.listing_faults else None
        if fault is not None:
            _head(writer, fault.status, fault.headers)
        else:
            _whole(writer, _huggingface(hub) if path.startswith("/api/models/") else _modelscope(hub))
    elif (other := _other(hub, request)) is not None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(other) + other)
    elif "/resolve/" in path and request.server == "hub":
        headers = f'X-Linked-Etag: "{hub.sha256}"\r\nX-Linked-Size: {hub.listed_size}\r\n'
        location = f"{hub.cdn}/blob?signature=s3cr3t" if hub.location is None else hub.location
        _head(writer, 302, headers + f"Location: {location}\r\n")
    elif path == "/blob" or parse_qs(urlsplit(request.target).query).get("FilePath") == [FILE]:
        await _file(hub, request, writer)
    else:
        _head(writer, 404, "")
    await writer.drain()


def _other(hub: LoopbackHub, request: Heard) -> bytes | None:
    target = urlsplit(request.target)
    named = parse_qs(target.query).get("FilePath", [target.path.rpartition("/")[2]])[0]
    return hub.others.get(named)


async def _file(hub: LoopbackHub, request: Heard, writer: asyncio.StreamWriter) -> None:
    fault = hub.faults.pop(0) if hub.faults else Fault("slow", after=0)
    begin = _begin(request.headers)
    if fault.kind == "status":
        _head(writer, fault.status, fault.headers)
        return
    if begin and fault.kind != "whole":
        total = len(hub.content) + (7 if fault.kind == "total" else 0)
        first = begin + (1 if fault.kind == "elsewhere" else 0)
        headers = f"Content-Range: bytes {first}-{len(hub.content) - 1}/{total}\r\n"
        body = hub.content[first:]
    else:
        headers, body = "", hub.content
    if fault.kind == "corrupt":
        body = body[:-1] + bytes([body[-1] ^ 1])
    chunked = fault.kind in ("short", "long")
    length = len(body) + (7 if fault.kind == "total" else 0)
    headers += "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {length}\r\n"
    status = 206 if headers.startswith("Content-Range") else 200
    writer.write(f"HTTP/1.1 {status} X\r\n{headers}\r\n".encode())
    if fault.kind == "held":
        writer.write(body[: fault.after])
        await writer.drain()
        await hub.go.wait()
        body = body[fault.after :]
    await _body(fault, body, writer)


async def _body(fault: Fault, body: bytes, writer: asyncio.StreamWriter) -> None:
    if fault.kind == "long":
        body += b"and more"
    if fault.kind in ("cut", "stall", "short"):
        body = body[: fault.after]
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE]
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if fault.kind in ("short", "long") else piece)
        await writer.drain()
        if fault.kind == "slow" and fault.after:
            await asyncio.sleep(_PIECE / fault.after)  # `after` bytes in each second
    if fault.kind in ("short", "long"):
        writer.write(b"0\r\n\r\n")
    if fault.kind == "stall":
        await writer.drain()
        await asyncio.sleep(30)


def _begin(headers: dict[str, str]) -> int:
    found = re.fullmatch(r"bytes=([0-9]+)-", headers.get("range", ""))
    return int(found[1]) if found else 0


def _head(writer: asyncio.StreamWriter, status: int, headers: str) -> None:
    writer.write(f"HTTP/1.1 {status} X\r\n{headers}Content-Length: 0\r\n\r\n".encode())


def _whole(writer: asyncio.StreamWriter, value: object) -> None:
    body = json.dumps(value).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _huggingface(hub: LoopbackHub) -> object:
    lfs = {"oid": hub.sha256, "size": hub.listed_size, "pointerSize": 135}
    return [
        {"type": "file", "oid": "0" * 40, "size": hub.listed_size, "path": name}
        | ({"lfs": lfs} if ".gguf" in name else {})
        for name in hub.names
    ] + [
        {"type": "file", "path": name, "size": len(content), "lfs": {"oid": _sum(content), "size": len(content)}}
        for name, content in hub.others.items()
    ]


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _modelscope(hub: LoopbackHub) -> object:
    files = [{"Type": "blob", "Path": name, "Size": hub.listed_size, "Sha256": hub.sha256} for name in hub.names]
    files += [
        {"Type": "blob", "Path": name, "Size": len(content), "Sha256": _sum(content)}
        for name, content in hub.others.items()
    ]
    return {"Code": 200, "Success": True, "Data": {"Files": [*files, {"Type": "tree", "Path": "folder", "Size": 0}]}}
