"""How long to wait before another try: full jitter, so that those who failed together do not come back together.

Pure: chance is given. Why full jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds: the first wait is below `base_s`, each further one below twice as much, none above `longest_s`."""

    base_s: float = 0.25
    longest_s: float = 8.0

    def delay_s(self, retry: int, random: Callable[[], float], *, at_least_s: float = 0.0) -> float:
        """The wait before the `retry`-th further try (from 0); `random` gives numbers from 0 to below 1.

        `at_least_s` is what the service asked for: obeyed, and jitter is added to it.
        """
        # 2**30 is far beyond any `longest_s`, and no overflow.
        return at_least_s + random() * min(self.longest_s, self.base_s * 2.0 ** min(retry, 30))
