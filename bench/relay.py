"""What glmgate adds to its engine: tokens per second and time to the first token, against a bare client of the child.

Both sides ask the same child in turn, so that a machine whose speed drifts drifts for both.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.server import served
from bench.streams import Target, chat, chats

NEW_TOKENS = 32
_WORDS = ("river", "stone", "lamp", "cloud", "seed", "tower", "glass", "north", "coin", "thread")


@dataclass(frozen=True, slots=True)
class Relay:
    """Of one number of streams: tokens per second of both sides, and their ratio pair by pair."""

    streams: int
    through: float
    bare: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the pairs."""
        return statistics.median(self.ratios)


def throughput(model: Path, *, streams: tuple[int, ...], pairs: int) -> Iterator[Relay]:
    """Each number of streams, measured `pairs` times on both sides in turn."""
    with served(model, parallel=max(streams)) as (through, bare):
        asyncio.run(chats(bare, list(_bodies(model, 1))))  # the first answer also pays for cold pages
        for count in streams:
            yield _relay(through, bare, model, streams=count, pairs=pairs)


def first_token(model: Path, *, pairs: int) -> float:
    """Seconds that glmgate adds to the first token: the median over pairs, one stream at a time."""
    with served(model, parallel=1) as (through, bare):
        return asyncio.run(_first_token(through, bare, model, pairs))


def _relay(through: Target, bare: Target, model: Path, *, streams: int, pairs: int) -> Relay:
    rates: dict[str, list[float]] = {through.name: [], bare.name: []}
    for pair in range(pairs):
        order = (through, bare) if pair % 2 else (bare, through)
        for target in order:
            rates[target.name].append(asyncio.run(chats(target, list(_bodies(model, streams)))))
    return Relay(
        streams=streams,
        through=statistics.median(rates[through.name]),
        bare=statistics.median(rates[bare.name]),
        ratios=tuple(a / b for a, b in zip(rates[through.name], rates[bare.name], strict=True)),
    )


async def _first_token(through: Target, bare: Target, model: Path, pairs: int) -> float:
    added = []
    for pair in range(pairs):
        order = (through, bare) if pair % 2 else (bare, through)
        seconds = {}
        for target in order:
            (body,) = _bodies(model, 1)
            seconds[target.name] = (await chat(target, body | {"max_tokens": 2})).first_s
        added.append(seconds[through.name] - seconds[bare.name])
    return statistics.median(added)


def _bodies(model: Path, count: int) -> Iterator[dict[str, Any]]:
    """Requests of equal length and different words, so that no side finds the other's prompt in the cache."""
    for _ in range(count):
        words = " ".join(random.choice(_WORDS) for _ in range(16))
        yield {
            "model": model.stem,
            "messages": [{"role": "user", "content": f"Say more about: {words}"}],
            "max_tokens": NEW_TOKENS,
            "temperature": 0,
        }
