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

    def restart(self) -> None:
        """End it and start it again; it has forgotten everything."""
        self.server.stop()
        self.server.start()

    def names(self) -> list[str]:
        """All keys, in order."""
        lines = self._ask(b"KEYS *\r\n").decode().splitlines()
        return sorted(line for line in lines if not line.startswith(("*", "$")))

    def set(self, key: str, value: str) -> None:
        """Put something there."""
        assert self._ask(f"SET {key} {value}\r\n".encode()) == b"+OK\r\n"

    def ttl_ms(self, key: str) -> int:
        """How long the key stays; below zero: for ever, or it is not there."""
        return int(self._ask(f"PTTL {key}\r\n".encode())[1:])

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
            return connection.recv(65536)


@functools.cache
def server() -> Redis | None:
    """The one server of this process; None where none is installed."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return None if found is None else Redis(Path(found))
