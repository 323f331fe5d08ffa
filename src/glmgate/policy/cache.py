"""The cache of whole answers: which requests are equal, which answers are worth keeping, and in what form.

Pure; where answers are kept is behind a Protocol.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from typing_extensions import override

from glmgate.policy.bounded import Bounded
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, FinishReason
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import CacheUse, Caller, Generation
from glmgate.wire.members import plain

Reads = tuple[tuple[Delta, ...], ...]
"""A whole answer as it came, read by read: a stream is played as a stream, a plain answer as a plain one."""

# Members that say how an answer travels, not what it is.
_OF_THE_WAY: Final = frozenset({"stream", "stream_options", "request_id", "glmgate"})
_GOOD: Final[frozenset[FinishReason]] = frozenset({"stop", "length", "tool_calls", "function_call"})
# From the dearest to the cheapest: what several calls of one answer cost together is what the dearest did.
_USES: Final[tuple[CacheUse, ...]] = ("miss", "shared", "hit")


class AnswerCache(Protocol):
    """Keeps answers as bytes, for a bounded time and in bounded space. Each method may raise Unavailable."""

    @property
    def longest_bytes(self) -> int:
        """The size of the longest answer that is worth being packed."""
        ...

    async def find(self, key: str) -> bytes | None:
        """The answer under `key`, if it is still kept."""
        ...

    async def keep(self, key: str, answer: bytes, *, ttl_s: float) -> None:
        """Keep `answer` for at most `ttl_s` seconds. May forget others, or this one."""
        ...


class MemoryAnswerCache(AnswerCache):
    """Answers in this process; those that were not used for longest make room. Longer ones are not kept."""

    def __init__(self, *, most_bytes: int, longest_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._answers: Bounded[bytes] = Bounded(most_bytes)
        self._longest = longest_bytes
        self._clock = clock

    @property
    @override
    def longest_bytes(self) -> int:
        return self._longest

    @property
    def size(self) -> int:
        """Bytes that are held now."""
        return self._answers.size

    @override
    async def find(self, key: str) -> bytes | None:
        return self._answers.get(key, now=self._clock())

    @override
    async def keep(self, key: str, answer: bytes, *, ttl_s: float) -> None:
        if len(answer) <= self._longest:
            self._answers.put(key, answer, size=len(answer), until=self._clock() + ttl_s)


def key_of(request: Generation | EmbeddingsRequest, caller: Caller, *, deployment: str, profile_version: str) -> str:
    """The key of the answer to `request`, as it is sent: equal for equal requests of one project, and for no others.

    Names of members may come in any order; everything below them counts as it is, because a schema's order of
    """
    document = plain(request)
    members = {name: document[name] for name in sorted(document) if name not in _OF_THE_WAY}
    scope = (caller.organisation, caller.project, deployment, profile_version, type(request).__name__)
    return sha256(msgspec.json.encode((scope, members))).hexdigest()


def is_deterministic(request: Generation | EmbeddingsRequest) -> bool:
    """Whether two equal requests have the same answer: embeddings, and text that takes the likeliest token (row T1).

    A seed alone does not make it so: services promise no more than to try (row N3).
    """
    if isinstance(request, EmbeddingsRequest):
        return True
    if isinstance(request, CompletionRequest):
        return request.temperature == 0
    return request.do_sample is False or request.temperature == 0


def dearest(before: CacheUse | None, now: CacheUse) -> CacheUse:
    """What an answer cost of which one call was `before` and another is `now`."""
    return now if before is None else min(before, now, key=_USES.index)


def is_whole(reads: Iterable[tuple[Delta, ...]]) -> bool:
    """Whether an answer may be given again: each of its choices has come to a good end."""
    ended: dict[int, bool] = {}
    for read in reads:
        for delta in read:
            ended[delta.choice] = ended.get(delta.choice, False) or delta.finish_reason in _GOOD
    return bool(ended) and all(ended.values())


def size_of(read: tuple[Delta, ...]) -> int:
    """About the bytes that a read takes in memory: its texts, and what objects cost (measured: 330 for one token)."""
    size = 0
    for delta in read:
        size += 330 + len(delta.content or "") + len(delta.reasoning or "")
        size += sum(120 + len(piece.arguments) for piece in delta.tool_calls)
        for document in (delta.logprobs, delta.extra, *(piece.native for piece in delta.tool_calls)):
            if document:
                size += len(msgspec.msgpack.encode(document))
    return size


def packed(answer: Reads | Embeddings) -> bytes:
    """An answer as bytes."""
    return msgspec.msgpack.encode(answer)


def unpacked(answer: bytes) -> Reads:
    """The generated text of `packed`. Raises msgspec.DecodeError for anything else."""
    return msgspec.msgpack.decode(answer, type=Reads)


def unpacked_embeddings(answer: bytes) -> Embeddings:
    """The vectors of `packed`. Raises msgspec.DecodeError for anything else."""
    return msgspec.msgpack.decode(answer, type=Embeddings)
