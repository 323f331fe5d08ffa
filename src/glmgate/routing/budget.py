"""How many further tries a deployment may be given. Pure but for the clock that it is given."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

_WINDOW_S: Final = 60.0


class RetryBudget:
    """Within any minute at most `per_minute` retries, plus a `share` of that minute's requests.

    Retries of a service that is down are load that keeps it down; the few that are always free let a quiet deployment
    retry at all.
    """

    __slots__ = ("_clock", "_per_minute", "_requests", "_retries", "_seen", "_share")

    def __init__(self, *, share: float = 0.1, per_minute: int = 3, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._per_minute = per_minute
        self._clock = clock
        # Requests are counted by whole seconds, which bounds the memory; a second that is partly older than the window
        # is left out, so the bound holds for every minute.
        self._requests: deque[tuple[int, int]] = deque()
        self._seen = 0
        self._retries: deque[float] = deque()

    def request(self) -> None:
        """A request came; its first try is always free."""
        now = self._clock()
        self._forget(now)
        second = int(now)
        counted = self._requests.pop()[1] if self._requests and self._requests[-1][0] == second else 0
        self._requests.append((second, counted + 1))
        self._seen += 1

    def take(self) -> bool:
        """Whether one further try may be made now; it is counted when it may."""
        now = self._clock()
        self._forget(now)
        if len(self._retries) + 1 > self._per_minute + self._share * self._seen:
            return False
        self._retries.append(now)
        return True

    def _forget(self, now: float) -> None:
        while self._requests and self._requests[0][0] <= now - _WINDOW_S:
            self._seen -= self._requests.popleft()[1]
        while self._retries and self._retries[0] <= now - _WINDOW_S:
            self._retries.popleft()
