"""Thoughts that a parent keeps for its workers where nothing is written to disk: its own memory, over the channel.

What is kept and found is decided in `policy`. A parent that ends takes all of it along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from typing_extensions import override

from glmgate.policy.reasoning import ReasoningStore, Thought
from glmgate.transport.peers import Peer, Services

_FIND: Final = "thoughts find"
_KEEP: Final = "thoughts keep"

# Texts travel as bytes: one may hold half of a pair of surrogates, which no message can.
_Thought = tuple[str, bytes, bool]


class ParentThoughts(ReasoningStore):
    """The store of this worker's parent."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    @override
    async def find(self, project: str, keys: Collection[str]) -> Mapping[str, str]:
        found: Mapping[str, bytes] = await self._peer.ask(_FIND, project, list(keys))
        return {key: _text(data) for key, data in found.items()}

    @override
    async def keep(self, project: str, thoughts: Sequence[Thought]) -> None:
        sent = [(thought.key, _data(thought.text), thought.sole) for thought in thoughts]
        await self._peer.ask(_KEEP, project, sent)


def lending(thoughts: ReasoningStore) -> Services:
    """What workers may ask of this store."""

    async def find(project: str, keys: list[str]) -> dict[str, bytes]:
        return {key: _data(text) for key, text in (await thoughts.find(project, keys)).items()}

    async def keep(project: str, given: list[_Thought]) -> None:
        await thoughts.keep(project, [Thought(key, _text(data), sole) for key, data, sole in given])

    return Services(asks={_FIND: find, _KEEP: keep})


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
