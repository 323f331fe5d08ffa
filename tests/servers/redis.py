"""A Redis server of the tests' own, on a UNIX socket, that writes nothing to disk."""

from __future__ import annotations

import functools
import shutil
import socket
from contextlib import closing
from pathlib import Path

from tests.servers.process import Server, folder


class Redis:
    """A server without any data that outlives it."""

    def __init__(self, program: Path) -> None:
        self.home = folder("redis")
        self.socket = self.home / "s"
        quiet: list[str | Path] = ["--save", "", "--appendonly", "no", "--dir", self.home]
        self.server = Server(
            [program, "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "777", *quiet],
            home=self.home,
            is_ready=self._is_ready,
        )

    @property
    def url(self) -> str:
        """Its URL."""
        return f"unix://{self.socket}"

    def flush(self) -> None:
        """Forget everything."""
        assert self._ask(b"FLUSHALL\r\n") == b"+OK\r\n"

    def _is_ready(self) -> bool:
        try:
            return self._ask(b"PING\r\n") == b"+PONG\r\n"
        except OSError:
            return False

    def _ask(self, command: bytes) -> bytes:
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(command)
            return connection.recv(100)


@functools.cache
def server() -> Redis | None:
    """The one server of this process; None where none is installed."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return None if found is None else Redis(Path(found))
