"""Keeps log probabilities beside their text, so that those of text that is never shown stay away too."""

from __future__ import annotations

from collections import deque
from typing import Any


class HeldLogprobs:
    """Hold each piece of text's log probabilities; release them as the text goes out."""

    __slots__ = ("_shown", "_start", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, dict[str, Any]]] = deque()
        self._start = 0
        self._shown = 0

    def hold(self, text: str, logprobs: dict[str, Any]) -> None:
        """`logprobs` of `text`; token by token where the tokens make up the text, else as a whole."""
        entries = logprobs.get("content")
        tokens = _tokens(entries)
        if isinstance(entries, list) and len(tokens) == len(entries) and "".join(tokens) == text:
            for token, entry in zip(tokens, entries, strict=True):
                self._waiting.append((self._start, {**logprobs, "content": [entry]}))
                self._start += len(token)
        else:
            self._waiting.append((self._start, logprobs))
            self._start += len(text)

    def release(self, characters: int) -> dict[str, Any] | None:
        """`characters` more have gone out; the log probabilities of all tokens that have begun among them."""
        self._shown += characters
        released: dict[str, Any] | None = None
        while self._waiting and self._waiting[0][0] < self._shown:
            released = _joined(released, self._waiting.popleft()[1])
        return released


def _tokens(entries: object) -> list[str]:
    if not isinstance(entries, list):
        return []
    tokens = [entry.get("token") for entry in entries if isinstance(entry, dict)]
    return [token for token in tokens if isinstance(token, str)]


def _joined(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    if before is None:
        return after
    return {
        key: before[key] + value if isinstance(value, list) and isinstance(before.get(key), list) else value
        for key, value in after.items()
    }
