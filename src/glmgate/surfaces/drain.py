"""Whether a server is about to stop: it still answers, and sends everybody away.

When it stops is decided by `server`.
"""

from __future__ import annotations


class Drain:
    """Begun once, never taken back."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        """From now on `/readyz` is 503, and each answer says that its connection is closed after it."""
        self.begun = True
