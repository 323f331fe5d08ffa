"""The live view on a terminal: drawn anew every second and after every key, on a screen of its own.

What is drawn is `view`'s, where it comes from is told by who calls.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

from glmgate.cli.top.values import Now
from glmgate.cli.top.view import Look, lines

EVERY_S: Final = 1.0
# ECMA-48 and xterm's alternate screen: what was on the terminal before is there again afterwards.
_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_TOP: Final = "\x1b[H"
_REST_OF_LINE: Final = "\x1b[K"
_REST: Final = "\x1b[J"
_KEYS: Final = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"q": "quit",
    b"Q": "quit",
}


class Screen(Protocol):
    """A terminal: its size, what is written to it, and the keys that are pressed."""

    def size(self) -> tuple[int, int]:
        """Columns and rows, now."""
        ...

    def put(self, text: str) -> None:
        """Write it at once."""
        ...

    def key(self, timeout_s: float) -> str | None:
        """The next key within that time: `quit`, an arrow's name, or another (empty); None: none was pressed."""
        ...


def run(fetch: Callable[[], Now], screen: Screen, look: Look, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Show it until `q` is pressed. What `fetch` raises ends it, with the terminal as it was."""
    screen.put(_ENTER)
    try:
        while True:
            now, until = fetch(), clock() + EVERY_S
            while (left := until - clock()) > 0:
                screen.put(_drawn(now, look, *screen.size()))
                key = screen.key(left)
                if key == "quit":
                    return
                if key is not None:
                    look = look.pressed(key)
    finally:
        screen.put(_LEAVE)


def _drawn(now: Now, look: Look, width: int, height: int) -> str:
    """The view over what was there; the last row tells the keys."""
    rows = lines(now, replace(look, width=width, height=max(1, height - 1)))
    keys = "q ends, ←/→ sort by another column, ↑/↓ turn the order around"[:width]
    return _TOP + "".join(f"{row}{_REST_OF_LINE}\r\n" for row in rows) + keys + _REST


class Terminal:
    """The terminal of this process."""

    def size(self) -> tuple[int, int]:
        """As the terminal says; of one that says nothing, the usual one."""
        try:
            return os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            return 80, 24

    def put(self, text: str) -> None:
        """Write it at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def key(self, timeout_s: float) -> str | None:
        """Wait for one."""
        ready, _, _ = select.select([sys.stdin.fileno()], [], [], timeout_s)
        if not ready:
            return None
        read = os.read(sys.stdin.fileno(), 32)
        return _KEYS.get(read, "") if read else "quit"


@contextmanager
def keys_at_once() -> Iterator[None]:
    """Hand over each key as it is pressed, and show none."""
    import termios  # noqa: PLC0415 -- not on every system
    import tty  # noqa: PLC0415 -- as above

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
