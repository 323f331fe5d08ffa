"""How a pull is shown: one line that changes on a terminal, a line for each tenth elsewhere.

Only text for people; written to standard error, so that standard output holds the answer alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click

_EVERY_S = 0.2
_BAR = 24


class Progress:
    """A watch on what is done bit by bit. `line`: there is a terminal, whose last line can be written anew.

    `amount` says a number of what is done; bytes where it is not given.
    """

    def __init__(
        self, *, line: bool, clock: Callable[[], float] = time.monotonic, amount: Callable[[int], str] | None = None
    ) -> None:
        self._line = line
        self._amount = amount or size
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._shown_at = 0.0
        self._tenth = -1
        self._open = False

    def at(self, done: int, total: int) -> None:
        """`done` of `total` bytes, or of what else there is, are here."""
        now = self._clock()
        if self._first is None or done < self._first[1]:
            self._first = (now, done)
            self._tenth = -1
        if self._line:
            if done >= total or now - self._shown_at >= _EVERY_S:
                self._shown_at = now
                self._write(done, total, now)
        elif (tenth := done * 10 // max(total, 1)) > self._tenth:
            self._tenth = tenth
            click.echo(f"{done * 100 // max(total, 1)} %, {self._amount(done)} of {self._amount(total)}", err=True)

    def says(self, text: str) -> None:
        """Something happened; it keeps its own line."""
        self.end()
        click.echo(text, err=True)

    def end(self) -> None:
        """Leave the changing line as it is."""
        if self._open:
            click.echo("", err=True)
            self._open = False

    def _write(self, done: int, total: int, now: float) -> None:
        assert self._first is not None
        began, before = self._first
        speed = (done - before) / (now - began) if now > began else 0.0
        left = f", {duration((total - done) / speed)} left" if speed and done < total else ""
        full = _BAR * done // max(total, 1)
        bar = "#" * full + "-" * (_BAR - full)
        said = f"{self._amount(done)} of {self._amount(total)}, {self._amount(int(speed))}/s{left}"
        text = f"[{bar}] {done * 100 // max(total, 1):3} %  {said}"
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
        self._open = True


def size(count: int) -> str:
    """Bytes for people, in the units that hubs use."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.2f} {unit}" if unit == "GB" else f"{count / factor:.0f} {unit}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    """A time that is left, for people."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
