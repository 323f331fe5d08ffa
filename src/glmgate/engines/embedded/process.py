"""One child process: starting it, waiting until it serves, reading what it complains about, ending it.

When a child is started or ended is decided by the supervisor.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, Timeouts, Transport

_log = logging.getLogger(__name__)

_COMMAND: Final = ("-P", "-m", "glmgate.engines.embedded.child")
_TRANSPORT: Final = "glmgate.transport.aiohttp"
_PREFIX: Final = "glmgate-engine-"
# The engine takes a host name that ends so for a path.
_SOCKET: Final = "e.sock"
# `sun_path` holds 104 bytes on macOS and 108 on Linux.
_LONGEST_SOCKET_PATH: Final = 100
_SHORT_FOLDER: Final = "/tmp"  # noqa: S108 # the folder made in it is private (0700) and has a fresh name
_HEALTH_POLL_S: Final = 0.01
_HEALTH_TIMEOUTS: Final = Timeouts(connect_s=5, first_s=5, idle_s=5)
_MAX_HEALTH_BYTES: Final = 4096
_END_S: Final = 3.0
_LEFTOVER_S: Final = 60.0
_KEPT_LINES: Final = 40
_LINE_CHARACTERS: Final = 500
# "0.01.234.567 E text": the engine's log with its time and level (E: error).
_COMPLAINT: Final = re.compile(r"^[\d.]+ E (?P<text>.*)$")
# What the C library and ggml say before they abort. Other lines of a running engine may hold parts of prompts.
_ABORTED: Final = re.compile(r"GGML_ASSERT|GGML_ABORT|terminate called|what\(\):|out of memory", re.IGNORECASE)


class StartFailed(Exception):
    """A child did not come to serve. The message says why, in the engine's words, for operators only."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a child serves: how to reach it and with which key; `socket` is its path, for other processes of ours."""

    transport: Transport
    key: str
    socket: Path | None = None

    def outgoing(self, path: str, body: bytes | None = None, *, timeouts: Timeouts) -> Outgoing:
        """A request to the child."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return Outgoing(url=f"http://engine{path}", headers=headers, body=body, timeouts=timeouts)


class Complaints:
    """The last lines of a child's standard error; `texts` are its errors, `aborts` what it said when it died."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        *lines, self._rest = (self._rest + data.decode("utf-8", "replace")).split("\n")
        self._lines.extend(line[:_LINE_CHARACTERS] for line in lines)
        self._rest = self._rest[:_LINE_CHARACTERS]

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines that the engine calls errors; without any, the last line whatever it is."""
        lines = [*self._lines, self._rest]
        found = tuple(match["text"] for line in lines if (match := _COMPLAINT.match(line)))
        return found or tuple(line for line in lines if line.strip())[-1:]

    @property
    def aborts(self) -> tuple[str, ...]:
        """The lines that say why the process ended itself."""
        return tuple(line for line in self._lines if _ABORTED.search(line))


class ChildProcess:
    """A child that serves. Made by `launch`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, endpoint: Endpoint) -> None:
        self._process = process
        self._folder = folder
        self._complaints = Complaints()
        self._reading = asyncio.create_task(self._read_complaints())
        self.endpoint = endpoint

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def wait(self) -> str:
        """Wait until it has ended by itself or otherwise; return why, as far as it can be told."""
        status = await self._process.wait()
        await self._reading
        return "; ".join((f"exit status {status}", *self._complaints.aborts))

    async def end(self) -> None:
        """End it: closing its standard input is the order to go; SIGKILL after 3 s. Who still reads gets an error.

        Without signals: those that stop the whole group would end it before its streams (see `child`).
        """
        self._close_input()
        try:
            await asyncio.wait_for(self._process.wait(), _END_S)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await self._reading
        await self.endpoint.transport.aclose()
        shutil.rmtree(self._folder, ignore_errors=True)  # the engine leaves its socket behind (engine facts 3.10)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def ready(self, config: bytes) -> None:
        """Hand over the configuration and wait until it serves. Raises StartFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(ConnectionError):  # it ended before it read: the missing READY tells
            self._process.stdin.write(config)
            await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line.startswith(b"READY "):
            await self._process.wait()
            await self._reading
            raise StartFailed("; ".join(self._complaints.texts) or f"exit status {self._process.returncode}")
        if unknown := json.loads(line.removeprefix(b"READY "))["unknown"]:
            _log.warning("the engine does not know the parameters %s; they have no effect", unknown)
        await self._healthy()

    async def _healthy(self) -> None:
        request = self.endpoint.outgoing("/health", timeouts=_HEALTH_TIMEOUTS)
        while True:
            try:
                reply = await self.endpoint.transport.get(request, max_bytes=_MAX_HEALTH_BYTES)
            except TransportError as exc:
                if self._process.returncode is not None:
                    raise StartFailed(f"it ended after loading: exit status {self._process.returncode}") from exc
            else:
                if reply.status == 200:
                    return
            await asyncio.sleep(_HEALTH_POLL_S)

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(65536):
            self._complaints.feed(data)


async def load_transport() -> None:
    """Import what `endpoint` needs. Not before the first child: aiohttp is a fifth of what a start would import."""
    await asyncio.to_thread(importlib.import_module, _TRANSPORT)


def endpoint(path: Path, key: str) -> Endpoint:
    """Where a child serves, after `load_transport`."""
    module = importlib.import_module(_TRANSPORT)
    # The engine sometimes closes a kept connection just when the next request is on its way (3 to 5 of 100, engine
    # facts 3.9); a connection for each request costs 0.3 ms.
    return Endpoint(module.AiohttpTransport(socket=path, keep_connections=False), key, path)


async def launch(parameters: Mapping[str, Any], *, timeout_s: float) -> ChildProcess:
    """Start a child with these parameters and wait until it serves. Raises StartFailed; leaves nothing behind then."""
    await asyncio.to_thread(remove_leftovers)
    await load_transport()
    folder = socket_folder()
    path, key = folder / _SOCKET, secrets.token_urlsafe(24)
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(sys.executable, *_COMMAND, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as exc:
        shutil.rmtree(folder, ignore_errors=True)
        raise StartFailed(f"no process could be started: {exc}") from exc
    config = {
        "parent": os.getpid(),
        "parameters": {**parameters, "hostnames": [str(path)], "api_keys": [key]},
    }
    child = ChildProcess(process, folder, endpoint(path, key))
    try:
        async with asyncio.timeout(timeout_s):
            await child.ready(json.dumps(config).encode() + b"\n")
    except TimeoutError as exc:
        await _abandon(child)
        raise StartFailed(f"it did not serve within {timeout_s} s") from exc
    except BaseException:
        await _abandon(child)
        raise
    return child


def remove_leftovers(base: str | None = None, *, older_than_s: float = _LEFTOVER_S) -> None:
    """Remove the folders of children whose server was killed: nobody is left who would have done it.

    Young ones stay: between the making of a socket and the first listening on it, it looks the same.
    """
    for path in Path(base or tempfile.gettempdir()).glob(f"{_PREFIX}*/{_SOCKET}"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if time.time() - path.stat().st_mtime > older_than_s and not _listened_to(path):
                shutil.rmtree(path.parent)


def _listened_to(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


async def _abandon(child: ChildProcess) -> None:
    # A library that is loading a model does not read its standard input, so no order to go reaches it.
    child.kill()
    await child.end()


def socket_folder(base: str | None = None) -> Path:
    """A fresh private folder (0700) whose path leaves room for a socket's, in `base` or the system's place for it."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    if len(str(folder / _SOCKET)) <= _LONGEST_SOCKET_PATH:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_SHORT_FOLDER))
