"""What is remembered between requests: answers for equal requests, and what models thought.

What is remembered when is decided in `policy` and `routing`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from glmgate.policy.cache import AnswerCache, MemoryAnswerCache
from glmgate.policy.memory import MemoryReasoningStore
from glmgate.policy.reasoning import ReasoningStore
from glmgate.policy.settings import ReasoningSettings
from glmgate.routing.write_behind import WriteBehind
from glmgate.settings import Settings
from glmgate.storage.opening import open_database
from glmgate.storage.reasoning import SqlReasoningStore


@dataclass(frozen=True, slots=True)
class Memory:
    """Both stores; they outlive reloads of the settings."""

    answers: AnswerCache
    thoughts: ReasoningStore


@asynccontextmanager
async def remembering(settings: Settings, *, parent: ReasoningStore | None = None) -> AsyncIterator[Memory]:
    """Open both. Without keys (`--no-auth`) nothing is written to disk: thoughts stay in this process and its `parent`.

    `parent` is what a worker's parent keeps.
    """
    answers = MemoryAnswerCache(most_bytes=settings.cache.most_bytes, longest_bytes=settings.cache.longest_bytes)
    limits = settings.reasoning
    front = thoughts_in_memory(limits)
    if not settings.server.auth:
        if parent is None:
            yield Memory(answers, front)
            return
        thoughts = WriteBehind(parent, front=front)
        try:
            yield Memory(answers, thoughts)
        finally:
            await thoughts.aclose()
        return
    # A database of its own: reading keys must not wait behind writing thoughts.
    database = await open_database(settings.storage.url)
    try:
        back = SqlReasoningStore(
            database, ttl_s=limits.ttl_s, most_bytes=limits.most_bytes, longest_bytes=limits.longest_bytes
        )
        thoughts = WriteBehind(back, front=front)
        try:
            yield Memory(answers, thoughts)
        finally:
            await thoughts.aclose()
    finally:
        await database.aclose()


def thoughts_in_memory(limits: ReasoningSettings) -> MemoryReasoningStore:
    """A store of one process."""
    return MemoryReasoningStore(ttl_s=limits.ttl_s, most_bytes=limits.front_bytes, longest_bytes=limits.longest_bytes)
