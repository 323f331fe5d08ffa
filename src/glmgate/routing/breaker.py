"""A passive circuit breaker: a deployment that keeps failing is left alone for a while. Pure but for its clock.

    closed ── failures ──> open ── time ──> half-open ── an answer begins ──> closed
                             ^────────────── failure ──────────┘

It learns from real requests; `health` may tell it more. Pollers were seen to call a dead worker healthy for more than
10 s (distributed facts 5), hence this one first.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from glmgate.errors import Unavailable

State = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When it opens: after `consecutive` failures, or when at least `share` of the last results failed.

    Of these at most `window` count, none older than `window_s`, and there must be at least `least`. It stays open for
    `open_s` seconds, twice as long each further time until an answer is whole, at most `longest_open_s`.
    """

    consecutive: int = 5
    share: float = 0.5
    least: int = 10
    window: int = 20
    window_s: float = 60.0
    open_s: float = 5.0
    longest_open_s: float = 60.0


class Permit:
    """The leave to ask once. What comes of it has to be told, once: `ended`, `failed` or `left`."""

    __slots__ = ("_breaker", "_era", "_open")

    def __init__(self, breaker: Breaker, era: int) -> None:
        self._breaker = breaker
        self._era = era
        self._open = True

    def answers(self) -> None:
        """The first piece of the answer is there. A probe has then succeeded: the answer's end may be minutes away."""
        if self._open:
            self._era = self._breaker.answering(self._era)

    def ended(self) -> None:
        """The answer came to its end, or the service refused the request as one that works does."""
        if self._open:
            self._open = False
            self._breaker.result(self._era, ok=True)

    def failed(self) -> None:
        """The service broke, before or within its answer."""
        if self._open:
            self._open = False
            self._breaker.result(self._era, ok=False)

    def left(self) -> None:
        """Nothing can be told from it: the client went away, or a limit was in the way."""
        if self._open:
            self._open = False
            self._breaker.released(self._era)


class Breaker:
    """The breaker of the deployment `name`. `clock` gives seconds of any origin."""

    def __init__(
        self, name: str, *, policy: BreakerPolicy | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._policy = policy or BreakerPolicy()
        self._clock = clock
        self._state: State = "closed"
        self._era = 0  # counts changes of state: what was asked before one says nothing about the time after it
        self._failures = 0
        self._results: deque[tuple[float, bool]] = deque(maxlen=self._policy.window)
        self._probing = False
        self._probe_at = 0.0
        self._open_s = self._policy.open_s

    @property
    def state(self) -> State:
        """Where it stands now."""
        if self._state == "open" and self._clock() >= self._probe_at:
            return "half-open"
        return self._state

    @property
    def is_open(self) -> bool:
        """Nothing may be asked now: open, or half-open while its one probe is under way."""
        state = self.state
        return state == "open" or (state == "half-open" and self._probing)

    def admit(self) -> Permit:
        """Leave to ask the deployment once. Raises Unavailable while it is open."""
        if self.is_open:
            raise self.refusal()
        if self._state == "open":
            self._turn("half-open")
        self._probing = self._state == "half-open"
        return Permit(self, self._era)

    def refusal(self) -> Unavailable:
        """What those are told who come while it is open."""
        wait_s = self._probe_at - self._clock() if self._state == "open" else 0.0
        return Unavailable(
            f"{self.name!r} has failed again and again and is left alone for a moment. Try again later.",
            retry_after_s=max(1.0, wait_s),
        )

    def found(self, *, ok: bool) -> None:
        """A health check found the deployment well or not.

        That it is well ends the wait of an open breaker; it says nothing against requests that fail all the same.
        """
        if not ok:
            self.result(self._era, ok=False)
        elif self._state == "open":
            self._turn("half-open")

    def answering(self, era: int) -> int:
        """An answer begins; the era that its end belongs to. For `Permit` only."""
        if era == self._era and self._state == "half-open":
            self._turn("closed")
            self._failures = self._policy.consecutive - 1  # should the answer break, it has proved nothing
            return self._era
        return era

    def result(self, era: int, *, ok: bool) -> None:
        """A permit's call has ended. For `Permit` only."""
        if era != self._era or self._state == "open":
            return
        if ok:
            self._went_well()
        elif self._state == "half-open":
            self._open()
        else:
            self._results.append((self._clock(), False))
            self._failures += 1
            if self._failures >= self._policy.consecutive or self._mostly_fails():
                self._open()

    def released(self, era: int) -> None:
        """A permit's call says nothing. For `Permit` only."""
        if era == self._era:
            self._probing = False

    def _went_well(self) -> None:
        if self._state == "half-open":
            self._turn("closed")
        self._results.append((self._clock(), True))
        self._failures = 0
        self._open_s = self._policy.open_s

    def _mostly_fails(self) -> bool:
        since = self._clock() - self._policy.window_s
        recent = [ok for at, ok in self._results if at > since]
        return len(recent) >= self._policy.least and recent.count(False) >= self._policy.share * len(recent)

    def _open(self) -> None:
        self._probe_at = self._clock() + self._open_s
        self._open_s = min(self._policy.longest_open_s, self._open_s * 2)
        self._turn("open")

    def _turn(self, state: State) -> None:
        self._state = state
        self._era += 1
        self._probing = False
        self._failures = 0
        self._results.clear()
