"""The beginning of an answer: read until its first words are there, so that a failure before them can be raised.

What is done about such a failure is decided by who calls; what comes after the first words goes by untouched.
"""

from __future__ import annotations

from collections import deque
from contextlib import AbstractAsyncContextManager
from typing import Self

from glmgate.errors import AnswerTruncated
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Deltas


class Begun:
    """An answer that has begun: what was read of it, then the rest."""

    __slots__ = ("read", "rest")

    def __init__(self, read: deque[tuple[Delta, ...]], rest: Deltas) -> None:
        self.read = read
        self.rest = rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Delta, ...]:
        """The next read's deltas."""
        if self.read:
            return self.read.popleft()
        return await self.rest.__anext__()


async def begin(context: AbstractAsyncContextManager[Deltas]) -> Begun:
    """Enter `context` and read until a delta says something; who calls leaves the context later.

    On any failure, cancellation included, the context is left before the failure is raised. An answer that ends without
    a word raises AnswerTruncated.
    """
    deltas = await context.__aenter__()
    if isinstance(deltas, Begun):
        return deltas
    try:
        return await _read(deltas)
    except BaseException as exc:
        await context.__aexit__(type(exc), exc, exc.__traceback__)
        raise


async def _read(deltas: Deltas) -> Begun:
    read: deque[tuple[Delta, ...]] = deque()
    async for batch in deltas:
        read.append(batch)
        if any(delta.says_something for delta in batch):
            return Begun(read, deltas)
    raise AnswerTruncated("The model's answer ended before it had begun. Try again.")
