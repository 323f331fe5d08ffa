"""What policy needs from others: where keys are kept.

Protocols only; `memory` and `storage` implement them and pass the same tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from glmgate.policy.keys import Key

Clock = Callable[[], float]
"""The time in Unix seconds."""


class KeyStore(Protocol):
    """Keeps keys and facts, for all processes. Each method may raise Unavailable when it cannot be reached."""

    async def find(self, key_id: str) -> Key | None:
        """The key of that id, as the last finished change left it, whichever process made it."""
        ...

    async def keys(self) -> tuple[Key, ...]:
        """All keys, revoked ones included, the oldest first."""
        ...

    async def add(self, key: Key) -> None:
        """Keep a new key."""
        ...

    async def add_first(self, key: Key) -> bool:
        """Keep `key` if no key is live at its `created_at`; False if one is. One of several processes wins."""
        ...

    async def replace(self, before: Key, after: Key) -> bool:
        """Put `after` in the place of `before`; False, and nothing done, if the key is no longer as `before` says."""
        ...

    async def pin(self, name: str, value: str) -> str:
        """The fact `name`: the value that was pinned first, for ever; `value` if none was."""
        ...
