"""A dictionary with bounds in bytes and in time: what was not used for longest makes room.

What is kept in it, and under which keys, is decided by `memory` and `cache`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

V = TypeVar("V")

ENTRY_BYTES: Final = 352
"""What an entry costs beside its value: key, dictionary and objects (measured: 336 on CPython 3.11)."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[V]):
    value: V
    size: int
    until: float


class Bounded(Generic[V]):
    """At most `most_bytes` of values, each until its time. The caller says how large a value is and what time it is."""

    __slots__ = ("_entries", "_most", "size")

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[str, _Held[V]] = OrderedDict()
        self.size = 0
        """Bytes that are held now."""

    def __len__(self) -> int:
        """The number of entries, those included whose time is over but that nobody has asked for since."""
        return len(self._entries)

    def get(self, key: str, *, now: float) -> V | None:
        """The value under `key`, or None where there is none or its time is over."""
        held = self._entries.get(key)
        if held is None:
            return None
        if held.until <= now:
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return held.value

    def put(self, key: str, value: V, *, size: int, until: float) -> None:
        """Keep `value` of `size` bytes. One that is larger than all there is room for is not kept."""
        self.drop(key)
        size += ENTRY_BYTES
        if size > self._most:
            return
        self._entries[key] = _Held(value, size, until)
        self.size += size
        while self.size > self._most:
            _, oldest = self._entries.popitem(last=False)
            self.size -= oldest.size

    def drop(self, key: str) -> None:
        """Forget `key`, if it is there."""
        held = self._entries.pop(key, None)
        if held is not None:
            self.size -= held.size
