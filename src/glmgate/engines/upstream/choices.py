"""One choice of an answer while it arrives: its pieces as deltas, and how it ended.

How the stream ends and what it costs is `chunks`'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from glmgate.engines.upstream.calls import Calls
from glmgate.engines.upstream.shapes import Choice, Message
from glmgate.wire.delta import Delta, FinishReason
from glmgate.wire.legacy_logprobs import modern

_NOTHING = Message()


class ChoiceReader:
    """Feed it the choice of each chunk; `finish` is the upstream's own word, as soon as it has said one."""

    __slots__ = ("_calls", "_has_text", "_index", "finish", "has_thought")

    def __init__(self, index: int, new_id: Callable[[], str]) -> None:
        self._index = index
        self._calls = Calls(new_id)
        self.finish: str | None = None
        self.has_thought = False
        self._has_text = False

    @property
    def has_answer(self) -> bool:
        """Whether the model has said anything, or called a tool. Thoughts are no answer."""
        return self._has_text or bool(self._calls)

    def feed(self, choice: Choice) -> Delta | None:
        """The delta of a piece; None when it says nothing."""
        if choice.finish_reason:
            self.finish = choice.finish_reason
        piece = choice.delta or choice.message or _NOTHING
        text = choice.text or _text(piece)
        calls = self._calls.feed(_pieces(piece)) if piece.tool_calls or piece.function_call else ()
        logprobs = _logprobs(choice.logprobs)
        self._has_text |= text is not None
        self.has_thought |= piece.thought is not None
        delta = Delta(choice=self._index, content=text, reasoning=piece.thought, tool_calls=calls, logprobs=logprobs)
        return delta if delta.says_something or logprobs else None

    def close(self, words: Mapping[str, FinishReason]) -> Delta:
        """The choice's end, with what its calls still lacked.

        Raises KeyError when the upstream's word for it is not among `words`, ValueError when a call has no name.
        """
        reason = words[self.finish or ""]
        calls = self._calls.close()
        # Some say `stop` after calls, some `tool_calls` without any.
        if reason == "stop" and self._calls.for_caller:
            reason = "tool_calls"
        elif reason in ("tool_calls", "function_call"):
            reason = "tool_calls" if self._calls else "stop"
        return Delta(choice=self._index, tool_calls=calls, finish_reason=reason)


def _text(piece: Message) -> str | None:
    """What is said; None, never empty, when nothing is."""
    content = piece.content
    if isinstance(content, list):
        content = "".join(part.text or "" for part in content)
    return content or piece.refusal or None


def _pieces(piece: Message) -> list[dict[str, Any]]:
    """The calls of a piece; the older single one is one without an id (contract row C7)."""
    pieces = piece.tool_calls or []
    return (
        [*pieces, {"index": 0, "function": msgspec.to_builtins(piece.function_call)}] if piece.function_call else pieces
    )


def _logprobs(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """In the form of chats; text completions have an older one."""
    if not given:
        return None
    if given.get("tokens"):
        return modern(given)
    kept = {name: entries for name, entries in given.items() if isinstance(entries, list) and entries}
    return kept or None
