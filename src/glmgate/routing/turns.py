"""Who is next: first come, first served within one key, and the keys take turns.

Pure: nothing here waits, and what an item is waiting for is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Turns(Generic[T]):
    """Items in one line for each key. A key that was served goes behind all others that wait."""

    __slots__ = ("_length", "_lines")

    def __init__(self) -> None:
        # Both levels keep the order in which something came, and lose any entry in constant time.
        self._lines: dict[str, dict[T, None]] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        """All items, in no order that matters."""
        return (item for line in self._lines.values() for item in line)

    def add(self, key: str, item: T) -> None:
        """Put `item` at the end of the line of `key`; a new line is served after those that wait already."""
        self._lines.setdefault(key, {})[item] = None
        self._length += 1

    def discard(self, key: str, item: T) -> None:
        """Take `item` out of the line of `key`, if it is there."""
        line = self._lines.get(key)
        if line is None or item not in line:
            return
        del line[item]
        self._length -= 1
        if not line:
            del self._lines[key]

    def take(self, fits: Callable[[T], bool]) -> T | None:
        """The next item that `fits`, taken out of its line; None when there is none."""
        for key, line in self._lines.items():
            for item in line:
                if fits(item):
                    self.discard(key, item)
                    if line:
                        self._lines[key] = self._lines.pop(key)
                    return item
        return None

    def newest_of_longest(self, key: str) -> T | None:
        """The last item of the longest line, which is that of `key` where several are: whose fault a full queue is."""
        if not self._lines:
            return None
        longest = max(self._lines, key=lambda other: (len(self._lines[other]), other == key))
        return next(reversed(self._lines[longest]))
