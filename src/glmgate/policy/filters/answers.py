"""An answer on its way through filters: text, reasoning and calls of each choice, however they are cut into deltas.

A text that a filter refuses ends there, and with it its choice, with the finish reason `sensitive`. Log probabilities
would tell what was masked, so none go through.
"""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.policy.filters.chain import Inline, Texts
from glmgate.policy.filters.json_text import JsonText
from glmgate.policy.filters.leaves import leaves
from glmgate.policy.filters.scan import Counts, Machine, Numbers, whole
from glmgate.wire.delta import Delta, ToolCallDelta


class AnswerFilter:
    """All choices of one answer. `counts` is told of everything that is found; `refused` are filters by choice."""

    def __init__(self, filters: tuple[Inline, ...], counts: Counts) -> None:
        self.refused: dict[int, str] = {}
        self._filters = filters
        self._counts = counts
        self._numbers = Numbers()
        self._choices: dict[int, _Choice] = {}

    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        """What may leave now."""
        choice = self._choices.get(delta.choice)
        if choice is None:
            texts = Texts(self._filters, self._counts, self._numbers)
            choice = self._choices[delta.choice] = _Choice(texts)
        after = choice.feed(delta)
        if choice.refused is not None:
            self.refused[delta.choice] = choice.refused
        return () if after == Delta(choice=delta.choice) else (after,)

    def close(self) -> tuple[Delta, ...]:
        """What was held back of choices that ended without a word."""
        ends = [choice.close(index) for index, choice in sorted(self._choices.items())]
        self.refused |= {index: each.refused for index, each in self._choices.items() if each.refused is not None}
        return tuple(end for end in ends if end != Delta(choice=end.choice))


class _Choice:
    """One choice. A text ends where one of another kind begins: what was held back of it goes before that."""

    __slots__ = ("_calls", "_content", "_custom", "_over", "_reasoning", "_texts", "refused")

    def __init__(self, texts: Texts) -> None:
        self.refused: str | None = None
        self._texts = texts
        self._content: Machine | None = None
        self._reasoning: Machine | None = None
        self._calls: dict[int, Machine] = {}
        self._custom: set[int] = set()
        self._over = False

    def feed(self, delta: Delta) -> Delta:
        """What may leave of the delta, and of those before."""
        if self.refused is not None:
            return Delta(choice=delta.choice, usage=delta.usage)
        over = delta.finish_reason is not None
        self._over = self._over or over
        reasoning = self._reasoned(delta, over=over)
        content = self._said(delta, over=over)
        calls = self._called(delta, over=over)
        extra = None if delta.extra is None else self._beside(delta.extra)
        return Delta(
            choice=delta.choice,
            content=content or None,
            reasoning=reasoning or None,
            tool_calls=calls,
            finish_reason=delta.finish_reason if self._goes_on() else "sensitive",
            usage=delta.usage,
            extra=extra,
        )

    def close(self, index: int) -> Delta:
        """What is held back, where no delta has told of the end."""
        if self._over or self.refused is not None:
            return Delta(choice=index)
        end = self.feed(Delta(choice=index, finish_reason="stop"))
        return msgspec.structs.replace(end, finish_reason=None) if self._goes_on() else end

    def _goes_on(self) -> bool:
        return self.refused is None

    def _reasoned(self, delta: Delta, *, over: bool) -> str:
        out = ""
        if delta.reasoning:
            self._reasoning = self._reasoning or self._texts.machine()
            out = self._fed(self._reasoning, delta.reasoning)
        if self._reasoning is not None and (over or delta.content or delta.tool_calls):
            out += self._closed(self._reasoning)
            self._reasoning = None
        return out

    def _said(self, delta: Delta, *, over: bool) -> str:
        out = ""
        if delta.content:
            self._content = self._content or self._texts.machine()
            out = self._fed(self._content, delta.content)
        if self._content is not None and (over or delta.tool_calls):
            out += self._closed(self._content)
            self._content = None
        return out

    def _called(self, delta: Delta, *, over: bool) -> tuple[ToolCallDelta, ...]:
        pieces = [after for piece in delta.tool_calls if (after := self._piece(piece)) is not None]
        if over:
            for index, machine in sorted(self._calls.items()):
                if rest := self._closed(machine):
                    pieces.append(ToolCallDelta(index=index, arguments=rest, custom=index in self._custom))
            self._calls.clear()
        return tuple(pieces)

    def _piece(self, piece: ToolCallDelta) -> ToolCallDelta | None:
        if self.refused is not None:
            return None
        if piece.native is not None:
            return msgspec.structs.replace(piece, native=self._beside(piece.native))
        machine = self._calls.get(piece.index)
        if machine is None:
            if piece.custom:
                self._custom.add(piece.index)
            machine = self._texts.machine() if piece.custom else JsonText(self._texts.machine)
            self._calls[piece.index] = machine
        arguments = self._fed(machine, piece.arguments)
        if not arguments and piece.id is None and piece.name is None:
            return None
        return msgspec.structs.replace(piece, arguments=arguments)

    def _beside(self, members: dict[str, Any]) -> dict[str, Any] | None:
        """Members that come whole."""
        if self.refused is not None:
            return None
        after = leaves(members, self._whole)
        return after if self._goes_on() else None

    def _whole(self, text: str) -> str:
        machine = self._texts.machine()
        after = whole(machine, text)
        self.refused = self.refused or machine.refused
        return after

    def _fed(self, machine: Machine, text: str) -> str:
        return self._watched(machine, machine.feed(text)) if self.refused is None else ""

    def _closed(self, machine: Machine) -> str:
        return self._watched(machine, machine.close()) if self.refused is None else ""

    def _watched(self, machine: Machine, out: str) -> str:
        self.refused = self.refused or machine.refused
        return out
