"""Folding deltas into a completion. The fold of a stream equals the plain answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.native_calls import NativeCalls, joined


@dataclass(slots=True)
class CallFold:
    """One tool call while its pieces arrive."""

    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)
    custom: bool = False
    native: dict[str, Any] | None = None

    def feed(self, piece: ToolCallDelta) -> None:
        """Take one piece."""
        self.id = self.id or piece.id
        self.name = self.name or piece.name
        self.arguments.append(piece.arguments)
        self.custom = self.custom or piece.custom
        if piece.native is not None:
            self.native = piece.native if self.native is None else joined(self.native, piece.native)


@dataclass(slots=True)
class ChoiceFold:
    """One choice while its pieces arrive."""

    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, CallFold] = field(default_factory=dict)
    native: NativeCalls = field(default_factory=NativeCalls)
    finish_reason: FinishReason | None = None
    logprobs: dict[str, list[Any]] | None = None
    usage: Usage = field(default_factory=Usage)

    def feed(self, delta: Delta) -> None:
        """Take one piece."""
        if delta.content:
            self.content.append(delta.content)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        for piece in delta.tool_calls:
            self.calls.setdefault(self._place(piece), CallFold()).feed(piece)
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.usage = delta.usage or self.usage
        if delta.logprobs:
            self.logprobs = self.logprobs or {}
            for key, items in delta.logprobs.items():
                self.logprobs.setdefault(key, []).extend(items or [])

    def _place(self, piece: ToolCallDelta) -> int:
        """Each piece of what the service runs has an index of its own; the call stands where its first one does."""
        return piece.index if piece.native is None else self.native.of(piece.native, piece.index).index


@dataclass(frozen=True, slots=True)
class CompletedCall:
    """A whole tool call; `arguments` is JSON text as the model wrote it, of a `custom` tool its input.

    `native`: of a tool that the service ran, all its pieces as one.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False
    native: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CompletedChoice:
    """A whole choice. `reasoning` is None when the model did not think."""

    index: int
    content: str
    reasoning: str | None
    calls: tuple[CompletedCall, ...]
    finish_reason: FinishReason | None
    logprobs: dict[str, list[Any]] | None


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer: its choices in the order of their index, the tokens of all of them, what stood beside them."""

    choices: tuple[CompletedChoice, ...]
    usage: Usage
    extra: dict[str, Any] | None = None


class Fold:
    """Feed it deltas in their order; `result` may be asked at any time."""

    __slots__ = ("_choices", "_extra")

    def __init__(self) -> None:
        self._choices: dict[int, ChoiceFold] = {}
        self._extra: dict[str, Any] = {}

    def feed(self, delta: Delta) -> None:
        """Take one piece of any choice."""
        self._choices.setdefault(delta.choice, ChoiceFold()).feed(delta)
        for name, value in (delta.extra or {}).items():
            self._extra[name] = _joined(self._extra.get(name), value)

    @property
    def usage(self) -> Usage:
        """The tokens of all choices up to here."""
        return sum((choice.usage for choice in self._choices.values()), Usage())

    def result(self) -> Completion:
        """What the deltas so far make."""
        choices = tuple(_completed(index, self._choices[index]) for index in sorted(self._choices))
        return Completion(choices=choices, usage=self.usage, extra=self._extra or None)


def _joined(before: object, value: object) -> object:
    """Lists come in pieces, or several times as a whole: each item stands once. Of anything else the last counts."""
    if isinstance(before, list) and isinstance(value, list):
        return [*before, *(item for item in value if item not in before)]
    return value


def _completed(index: int, fold: ChoiceFold) -> CompletedChoice:
    calls = tuple(
        CompletedCall(
            id=call.id or "",
            name=call.name or "",
            arguments="".join(call.arguments),
            custom=call.custom,
            native=call.native,
        )
        for _, call in sorted(fold.calls.items())
    )
    return CompletedChoice(
        index=index,
        content="".join(fold.content),
        reasoning="".join(fold.reasoning) or None,
        calls=calls,
        finish_reason=fold.finish_reason,
        logprobs=fold.logprobs,
    )
