"""The live view: drawn, sorted by keys, and left as it was."""

from __future__ import annotations

import os
import pty
import termios
from dataclasses import dataclass, field

import pytest

from glmgate.cli.top.live import Terminal, keys_at_once, run
from glmgate.cli.top.values import Now, Request
from glmgate.cli.top.view import Look
from glmgate.errors import Unavailable
from tests.fakes.clock import FakeClock


@dataclass
class FakeScreen:
    """A terminal whose keys are a script; None is a second without one."""

    keys: list[str | None]
    sizes: list[tuple[int, int]] = field(default_factory=lambda: [(80, 24)])
    clock: FakeClock = field(default_factory=FakeClock)
    drawn: list[str] = field(default_factory=list)

    def size(self) -> tuple[int, int]:
        """The next size; the last one stays."""
        return self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0]

    def put(self, text: str) -> None:
        """Keep it."""
        self.drawn.append(text)

    def key(self, timeout_s: float) -> str | None:
        """The next key."""
        key = self.keys.pop(0)
        self.clock.advance(timeout_s if key is None else 0.1)
        return key


@dataclass
class Server:
    """Something to ask: each time it has one request more."""

    asked: int = 0
    fails_at: int = 99

    def __call__(self) -> Now:
        """What it is doing."""
        self.asked += 1
        if self.asked == self.fails_at:
            raise Unavailable("No server answers.")
        requests = tuple(Request(key_id=f"k-{each}", age_s=float(each)) for each in range(self.asked))
        return Now(in_flight=self.asked, requests=requests)


def test_it_is_drawn_anew_every_second_until_q() -> None:
    """On a screen of its own, which is left behind."""
    screen, server = FakeScreen([None, None, "quit"]), Server()
    run(server, screen, Look(), clock=screen.clock)
    assert server.asked == 3
    assert "3 in flight" in screen.drawn[-2]
    assert (screen.drawn[0], screen.drawn[-1]) == ("\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l")


def test_a_key_draws_at_once_and_asks_nobody() -> None:
    """The server is asked once a second, however many keys are pressed."""
    screen, server = FakeScreen([None, "up", "right", "quit"]), Server()
    run(server, screen, Look(), clock=screen.clock)
    assert server.asked == 2
    assert "AGE▲" in screen.drawn[-3]
    assert "STATE▲" in screen.drawn[-2]


def test_it_follows_the_terminals_size() -> None:
    """Each time it is drawn; the last row tells the keys."""
    screen = FakeScreen([None, "quit"], sizes=[(80, 24), (20, 4)])
    run(Server(), screen, Look(), clock=screen.clock)
    rows = screen.drawn[-2].removeprefix("\x1b[H").split("\r\n")
    assert len(rows) <= 4
    assert all(len(row.partition("\x1b")[0]) <= 20 for row in rows)
    assert rows[-1].startswith("q ends")


def test_a_server_that_goes_ends_it() -> None:
    """With the terminal as it was, and the reason for who called."""
    screen = FakeScreen([None, None])
    with pytest.raises(Unavailable, match="No server answers"):
        run(Server(fails_at=2), screen, Look(), clock=screen.clock)
    assert screen.drawn[-1] == "\x1b[?25h\x1b[?1049l"


@pytest.mark.parametrize(
    ("typed", "key"), [(b"q", "quit"), (b"\x1b[A", "up"), (b"\x1bOD", "left"), (b"x", ""), (b"\x1b[5~", "")]
)
def test_keys_of_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: bytes, key: str) -> None:
    """As both of the modes that terminals have send them; others are heard and mean nothing."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as terminal, os.fdopen(ours, "r+b", buffering=0) as person:
        monkeypatch.setattr("sys.stdin", terminal)
        before = termios.tcgetattr(terminal)
        with keys_at_once():
            assert Terminal().key(0.0) is None
            person.write(typed)
            assert Terminal().key(5.0) == key
        assert termios.tcgetattr(terminal) == before


def test_a_terminal_that_says_no_size_is_a_usual_one(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """As a file does."""
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123
        monkeypatch.setattr("sys.stdout", nothing)
        assert Terminal().size() == (80, 24)
        Terminal().put("nothing")
