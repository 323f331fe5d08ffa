"""Thoughts of a parent's memory, as its workers use them; what all stores have in common is tested with the others."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from glmgate.app.parent_thoughts import ParentThoughts, lending
from glmgate.errors import Unavailable
from glmgate.policy.memory import MemoryReasoningStore
from glmgate.policy.reasoning import Thought
from tests.transport.pairs import pair


def store() -> MemoryReasoningStore:
    """The parent's."""
    return MemoryReasoningStore(ttl_s=60, most_bytes=1 << 20, longest_bytes=1 << 10)


async def test_what_one_worker_keeps_another_one_finds() -> None:
    """Of the same project; also after the first one is gone."""
    thoughts = store()
    async with AsyncExitStack() as stack:
        async with pair(lending(thoughts)) as (_, peer):
            await ParentThoughts(peer).keep("p", [Thought("k", "text"), Thought("s", "one", sole=True)])
        _, peer = await stack.enter_async_context(pair(lending(thoughts)))
        other = ParentThoughts(peer)
        assert await other.find("p", ["k", "s", "x"]) == {"k": "text", "s": "one"}
        assert await other.find("q", ["k"]) == {}
        await other.keep("p", [Thought("s", "two", sole=True)])
        assert await other.find("p", ["s"]) == {}


async def test_a_text_may_hold_half_of_a_pair() -> None:
    """Models do write such; it comes back as it was."""
    async with pair(lending(store())) as (_, peer):
        await ParentThoughts(peer).keep("p", [Thought("k", "a\ud83d")])
        assert await ParentThoughts(peer).find("p", ["k"]) == {"k": "a\ud83d"}


async def test_a_parent_that_is_gone_is_unavailable() -> None:
    """As any store that is away."""
    async with pair(lending(store())) as (_, peer):
        thoughts = ParentThoughts(peer)
    with pytest.raises(Unavailable):
        await thoughts.find("p", ["k"])
