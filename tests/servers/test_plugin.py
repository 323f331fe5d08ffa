"""Tests of the servers' fixtures: what is said where a server is missing, and that each test is alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.servers import plugin
from tests.servers.postgres import Postgres, name_of
from tests.servers.redis import Redis


@dataclass
class Report:
    """A test that was skipped."""

    longrepr: object


@dataclass
class Reporter:
    """What pytest writes its summary with."""

    stats: dict[str, list[Report]]
    lines: list[str] = field(default_factory=list)

    def write_sep(self, sep: str, title: str, **how: bool) -> None:
        """A line across the terminal."""
        assert how["red"]
        self.lines.append(title)

    def write_line(self, line: str, **how: bool) -> None:
        """A line."""
        self.lines.append(line)


def said(*reasons: str) -> list[str]:
    """What the summary says after tests were skipped for these reasons."""
    reporter: Any = Reporter({"skipped": [Report(("test.py", 1, f"Skipped: {reason}")) for reason in reasons]})
    plugin.say_missing(reporter)
    lines: list[str] = reporter.lines
    return lines


def test_missing_servers_are_said_aloud() -> None:
    """How many tests did not run, and what to install."""
    lines = said(plugin.MISSING["PostgreSQL"], "for another reason", plugin.MISSING["PostgreSQL"])
    assert lines[0] == "2 TESTS DID NOT RUN: PostgreSQL"
    assert "apt-get install postgresql" in lines[1]
    assert len(lines) == 2


def test_nothing_is_said_where_every_server_is() -> None:
    """Nor of tests that were skipped for another reason."""
    assert said("for another reason") == []


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_an_empty_database(postgres: Postgres, postgres_url: str, _: int) -> None:
    """What one test leaves, the next does not find."""
    name = name_of(postgres_url)
    postgres.run("CREATE TABLE left_over (n int)", name=name)


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_an_empty_redis(redis: Redis, _: int) -> None:
    """Likewise."""
    assert redis.names() == []
    redis.set("left", "over")
    assert redis.names() == ["left"]
