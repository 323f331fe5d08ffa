"""Counting tokens afterwards: what nobody told of an attempt is asked of a tokenizer, when the attempt is over.

A short time is allowed for it, and so many at once; whatever is not counted by then stays with the learned ratio.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from glmgate.errors import GlmgateError
from glmgate.policy.estimates import NOTHING_COUNTED, NULL_TOKENIZER, Countable, Counted, Tokenizer
from glmgate.wire.engine import Generation

_log = logging.getLogger(__name__)

_WITHIN_S: Final = 2.0  # a budget holds the attempt's reservation meanwhile
_MOST: Final = 64  # attempts that are counted at a time


@dataclass(slots=True)
class Held:
    """What of an attempt is held to be counted: what was asked for, how many answers, and all that they said."""

    request: Generation
    answers: int
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Afterwards:
    """Counts by `tokenizer`, which may be set at any time. `aclose` lets what is being counted come to its end."""

    tokenizer: Tokenizer = NULL_TOKENIZER
    within_s: float = _WITHIN_S
    most: int = _MOST
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _is_closed: bool = False

    def knows(self, model: str) -> bool:
        """Whether the texts of that model's attempts are worth to be held."""
        return not self._is_closed and self.tokenizer.knows(model)

    def later(self, model: str, held: Held, can: Countable, then: Callable[[Counted], object]) -> bool:
        """Count what can be, and tell it to `then`, once, whatever happens. False: not now, and nothing is told."""
        if self._is_closed or len(self._tasks) >= self.most or not any(can):
            return False
        task = asyncio.create_task(self._told(model, held, can, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def aclose(self) -> None:
        """Begin no more, and wait for those that are under way, which is not for long."""
        self._is_closed = True
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _told(self, model: str, held: Held, can: Countable, then: Callable[[Counted], object]) -> None:
        counted = NOTHING_COUNTED
        try:
            async with asyncio.timeout(self.within_s):
                if can.answer:
                    counted = Counted(answer=await self.tokenizer.answer(model, "".join(held.texts)))
                if can.prompt:
                    prompt = await self.tokenizer.prompt(model, held.request)
                    counted = counted._replace(prompt=None if prompt is None else prompt * held.answers)
        except (TimeoutError, GlmgateError) as exc:
            _log.debug("the tokens of an attempt at %r are not all counted: %r", model, exc)
        finally:
            then(counted)
