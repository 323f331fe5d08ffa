"""A PostgreSQL server of the tests' own, and a fresh database for each test."""

from __future__ import annotations

import functools
import itertools
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from tests.servers.process import Server, as_user, folder

PASSWORD = "the password of tests"
ROLE = "glmgate"
# Nothing here outlives a test, so nothing needs to reach a disk.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def binaries() -> Path | None:
    """The folder of Debian's newest PostgreSQL server, or of one on the PATH; None without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return None if on_path is None else Path(on_path).resolve().parent


class Postgres:
    """A server with one role, which asks for a password over TCP and for none over its UNIX socket."""

    def __init__(self, programs: Path) -> None:
        self.home = folder("pg")
        self.programs = programs
        self.port = _free_port()
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        data = self.home / "data"
        secret = self.home / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        command: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            ROLE,
            "-E",
            "UTF8",
            "--locale=C",
            f"--pwfile={secret}",
        ]
        rights: list[str | Path] = ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"]
        subprocess.run(as_user([*command, *rights]), cwd=self.home, check=True, capture_output=True)
        options = [part for name, value in _FAST.items() for part in ("-c", f"{name}={value}")]
        where: list[str | Path] = ["-D", data, "-k", self.home, "-p", str(self.port), "-h", "127.0.0.1"]
        self.server = Server([programs / "postgres", *where, *options], home=self.home, is_ready=self._is_ready)

    def url(self, name: str = "postgres") -> str:
        """The URL of a database, over the UNIX socket."""
        return f"postgresql://{ROLE}@/{name}?host={self.home}&port={self.port}"

    def tcp_url(self, name: str = "postgres", *, password: str = PASSWORD) -> str:
        """The URL of a database, over TCP."""
        return f"postgresql://{ROLE}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The name of a fresh database, which is dropped again, whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self.run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield name
        finally:
            self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """Meanwhile nobody is connected to a database, and nobody can be."""
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format
        self.run(allow(sql.Identifier(name), sql.Literal(False)))
        try:
            end = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
            self.run(end.format(sql.Literal(name)))
            yield
        finally:
            self.run(allow(sql.Identifier(name), sql.Literal(True)))

    def run(self, statement: LiteralString | sql.Composed, *, name: str = "postgres") -> list[tuple[object, ...]]:
        """What a statement answers, outside of a transaction, from a connection of its own."""
        with closing(psycopg.connect(self.url(name), autocommit=True)) as connection:
            cursor = connection.execute(sql.SQL(statement) if isinstance(statement, str) else statement)
            return cursor.fetchall() if cursor.description else []

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True


@functools.cache
def server() -> Postgres | None:
    """The one server of this process; None where none is installed."""
    found = binaries()
    return None if found is None else Postgres(found)


def name_of(url: str) -> str:
    """The name of the database that a URL of this server names."""
    return url.partition("?")[0].rpartition("/")[2]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
