"""A clock that tests move by hand."""

from __future__ import annotations


class FakeClock:
    """Calling it gives the time in Unix seconds; it stands still until a test moves it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` go by; negative ones set the clock back."""
        self.now += seconds
