"""Fixtures of real servers for every folder. Where one is missing its tests are skipped, and that is said aloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import postgres as postgres_server
from tests.servers import redis as redis_server
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

MISSING = {
    "PostgreSQL": "no PostgreSQL server is installed (Debian: apt-get install postgresql)",
    "Redis": "no Redis server is installed (Debian: apt-get install redis-server)",
}


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The session's PostgreSQL server."""
    found = postgres_server.server()
    if found is None:
        pytest.skip(MISSING["PostgreSQL"])
    return found


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture
def redis(request: pytest.FixtureRequest) -> Redis:
    """The session's Redis server, empty."""
    found = redis_server.server()
    if found is None:
        pytest.skip(MISSING["Redis"])
    found.flush()
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each sort."""
    return url_of(request.param, request, tmp_path)


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database: a file in the folder for `sqlite`, a database of the session's for `postgres`."""
    if kind == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{folder}/g.db"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say which servers were missing, in red, below all else that is said."""
    yield
    say_missing(terminalreporter)


def say_missing(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it, where tests were skipped for that."""
    reports = terminalreporter.stats.get("skipped", [])
    for name, reason in MISSING.items():
        count = sum(reason in str(report.longrepr) for report in reports)
        if count:
            terminalreporter.write_sep("!", f"{count} TESTS DID NOT RUN: {name}", red=True, bold=True)
            terminalreporter.write_line(f"They need a real server, and {reason}.", red=True)
