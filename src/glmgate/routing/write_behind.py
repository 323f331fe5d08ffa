"""A store of thoughts that never makes an answer wait: writes go to a bounded queue, reads look into memory first.

What it writes to is behind the same Protocol (`policy.reasoning`); it decides nothing about thoughts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from typing_extensions import override

from glmgate.errors import GlmgateError
from glmgate.policy.reasoning import ReasoningStore, Thought

_log = logging.getLogger(__name__)

# 100 requests a second with thoughts of 4 KB would fill it in 40 s of a database that does not write.
_MOST_WAITING_BYTES: Final = 16 * 1024 * 1024


class WriteBehind(ReasoningStore):
    """`back`, with `front` in this process before it.

    A thought is found by this process as soon as `keep` returns, by others when it is written. Thoughts that are
    `sole` are read from `back` only, because others may have written there what makes them ambiguous. What does not
    fit into the queue, or cannot be written, is logged and lost for other processes.
    """

    def __init__(
        self, back: ReasoningStore, *, front: ReasoningStore, most_waiting_bytes: int = _MOST_WAITING_BYTES
    ) -> None:
        self._back = back
        self._front = front
        self._most = most_waiting_bytes
        self._waiting: deque[tuple[str, tuple[Thought, ...]]] = deque()
        self._bytes = 0
        self._lost = 0
        self._writer: asyncio.Task[None] | None = None

    @override
    async def find(self, project: str, keys: Collection[str]) -> Mapping[str, str]:
        found = await self._front.find(project, keys)
        missing = [key for key in keys if key not in found]
        return {**found, **await self._back.find(project, missing)} if missing else found

    @override
    async def keep(self, project: str, thoughts: Sequence[Thought]) -> None:
        await self._front.keep(project, [thought for thought in thoughts if not thought.sole])
        size = _size(thoughts)
        if self._bytes + size > self._most:
            if not self._lost:
                _log.warning("thoughts come faster than the database keeps them: some are not kept for other workers")
            self._lost += 1
            return
        self._bytes += size
        self._waiting.append((project, tuple(thoughts)))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def aclose(self) -> None:
        """Write what still waits."""
        if self._writer is not None:
            await asyncio.wait((self._writer,))

    async def _write(self) -> None:
        """Write until nothing waits; what has come in the meantime for one project goes in one transaction."""
        while self._waiting:
            project, thoughts = self._next()
            try:
                await self._back.keep(project, thoughts)
            except Exception as error:  # noqa: BLE001 -- a store's fault must not end the writer: others would wait on
                why = error.message if isinstance(error, GlmgateError) else type(error).__name__
                _log.warning("%d thoughts are not kept for other workers: %s", len(thoughts), why)
            self._bytes -= _size(thoughts)
        if self._lost:
            _log.warning("the thoughts of %d answers were not kept for other workers", self._lost)
            self._lost = 0

    def _next(self) -> tuple[str, list[Thought]]:
        project, first = self._waiting.popleft()
        thoughts = list(first)
        while self._waiting and self._waiting[0][0] == project:
            thoughts += self._waiting.popleft()[1]
        return project, thoughts


def _size(thoughts: Sequence[Thought]) -> int:
    """Characters, which are at least a third of the bytes; nobody needs the queue's bound to be exact."""
    return sum(len(thought.text) + len(thought.key) for thought in thoughts)
