"""Answers that a hook has to judge before the client sees them: deltas wait until their texts have been let through.

Who is asked and what happens when nobody answers is decided by `ask`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from glmgate.policy.filters.chain import HookFilter
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.moderation import Passage

Ask = Callable[[HookFilter, tuple[Passage, ...]], Awaitable[bool]]
"""Asks a hook about passages; True when it flags them. Raises what ends the answer."""


class Judged:
    """One answer and one hook. Of long texts the hook sees each part together with the part before it."""

    def __init__(self, hook: HookFilter, ask: Ask) -> None:
        self.refused: set[int] = set()
        self._hook = hook
        self._ask = ask
        self._choices: dict[int, _Waiting] = {}

    async def feed(self, deltas: tuple[Delta, ...], *, over: bool) -> tuple[Delta, ...]:
        """What may leave now; `over`: nothing more comes."""
        out: list[Delta] = []
        for delta in deltas:
            out.extend(await self._one(delta))
        if over:
            for choice in sorted(self._choices):
                out.extend(await self._judged(choice))
        return tuple(out)

    async def _one(self, delta: Delta) -> list[Delta]:
        if delta.choice in self.refused:
            return [Delta(choice=delta.choice, usage=delta.usage)] if delta.usage is not None else []
        waiting = self._choices.setdefault(delta.choice, _Waiting())
        waiting.add(delta)
        is_due = bool(self._hook.every) and waiting.length >= self._hook.every
        if delta.finish_reason is None and not is_due:
            return []
        return await self._judged(delta.choice)

    async def _judged(self, choice: int) -> list[Delta]:
        waiting = self._choices[choice]
        deltas, part = waiting.taken()
        if part and await self._ask(self._hook, (Passage(f"choices[{choice}]", waiting.before + part),)):
            self.refused.add(choice)
            return [Delta(choice=choice, finish_reason="sensitive", usage=_usage(deltas))]
        waiting.before = part or waiting.before
        return deltas


@dataclass(slots=True)
class _Waiting:
    """What waits of one choice. `before` is the part that was judged last."""

    before: str = ""
    length: int = 0
    deltas: list[Delta] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, delta: Delta) -> None:
        """One more that waits."""
        self.deltas.append(delta)
        found = [delta.reasoning or "", delta.content or "", *(piece.arguments for piece in delta.tool_calls)]
        self.texts.extend(found)
        self.length += sum(map(len, found))

    def taken(self) -> tuple[list[Delta], str]:
        """All that waits, and its text; nothing waits any more."""
        deltas, text = self.deltas, "".join(self.texts)
        self.deltas, self.texts, self.length = [], [], 0
        return deltas, text


def _usage(deltas: list[Delta]) -> Usage | None:
    return next((delta.usage for delta in reversed(deltas) if delta.usage is not None), None)
