"""The stores in memory: for tests, and for what need not outlive a process.

They behave as those of `storage` and run the same tests.
"""

from __future__ import annotations

from typing_extensions import override

from glmgate.policy.interfaces import KeyStore
from glmgate.policy.keys import Key


class MemoryKeyStore(KeyStore):
    """Keys in a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._facts: dict[str, str] = {}

    @override
    async def find(self, key_id: str) -> Key | None:
        return self._keys.get(key_id)

    @override
    async def keys(self) -> tuple[Key, ...]:
        return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.id)))

    @override
    async def add(self, key: Key) -> None:
        self._keys[key.id] = key

    @override
    async def add_first(self, key: Key) -> bool:
        if any(other.state(key.created_at) == "live" for other in self._keys.values()):
            return False
        self._keys[key.id] = key
        return True

    @override
    async def replace(self, before: Key, after: Key) -> bool:
        if self._keys.get(before.id) != before:
            return False
        self._keys[before.id] = after
        return True

    @override
    async def pin(self, name: str, value: str) -> str:
        return self._facts.setdefault(name, value)
