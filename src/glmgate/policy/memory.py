"""The store of thoughts in memory: for tests, and for what need not outlive a process.

It behaves as the one of `storage` and runs the same tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from typing_extensions import override

from glmgate.policy.bounded import Bounded
from glmgate.policy.reasoning import ReasoningStore, Thought


class MemoryReasoningStore(ReasoningStore):
    """Thoughts in a dictionary. Times are in seconds, sizes in bytes of UTF-8; longer thoughts are not kept."""

    def __init__(
        self, *, ttl_s: float, most_bytes: int, longest_bytes: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._ttl_s = ttl_s
        self._longest = longest_bytes
        self._clock = clock
        self._texts: Bounded[str] = Bounded(most_bytes)

    @property
    def size(self) -> int:
        """Bytes that are held now."""
        return self._texts.size

    @override
    async def find(self, project: str, keys: Collection[str]) -> Mapping[str, str]:
        now = self._clock()
        texts = {key: self._texts.get(f"{project} {key}", now=now) for key in keys}
        return {key: text for key, text in texts.items() if text}

    @override
    async def keep(self, project: str, thoughts: Sequence[Thought]) -> None:
        now = self._clock()
        for thought in thoughts:
            size = len(thought.text.encode("utf-8", "surrogatepass"))
            if size > self._longest:
                continue
            key = f"{project} {thought.key}"
            before = self._texts.get(key, now=now)
            text = "" if thought.sole and before not in {None, thought.text} else thought.text
            self._texts.put(key, text, size=size if text else 0, until=now + self._ttl_s)
