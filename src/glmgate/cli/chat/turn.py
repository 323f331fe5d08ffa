"""One turn: a question, the answer, and the calls of tools between them.

What is asked is in `conversation`, how in `service`, how it looks in `screen` and `plain`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from glmgate.cli.chat import tools
from glmgate.cli.chat.answer import Answer, Piece
from glmgate.cli.chat.conversation import Conversation
from glmgate.cli.chat.failures import Refusal, ServiceFailed
from glmgate.cli.chat.service import Service

_MOST_ROUNDS: Final = 8
_REMARKS: Final = {
    "length": "cut off at the length limit",
    "content_filter": "cut off by a filter",
    "sensitive": "cut off by a filter",
}


class View(Protocol):
    """What shows a turn."""

    def begin(self) -> None:
        """An answer is asked for."""
        ...

    def piece(self, piece: Piece) -> None:
        """Something of it has come."""
        ...

    def waiting(self, refusal: Refusal) -> None:
        """The service asked to wait."""
        ...

    def called(self, name: str, arguments: str, result: str) -> None:
        """A tool was called."""
        ...

    def end(self, remark: str) -> None:
        """Nothing more comes of this answer; `remark` says how it went."""
        ...


@dataclass(slots=True)
class _Timed:
    """Hands on what is shown and notes when the answer began to come."""

    view: View
    first: float | None = None

    def piece(self, piece: Piece) -> None:
        if self.first is None and (piece.content or piece.reasoning):
            self.first = time.monotonic()
        self.view.piece(piece)

    def waiting(self, refusal: Refusal) -> None:
        self.view.waiting(refusal)


async def turn(conversation: Conversation, service: Service, view: View) -> None:
    """Get an answer to the conversation's last question and add it, calls of tools and their results included.

    ServiceFailed and CancelledError leave the conversation with what had come of the answer, marked, or without the
    question where nothing had.
    """
    for _ in range(_MOST_ROUNDS):
        answer = await _answer(conversation, service, view)
        conversation.answered(answer)
        if not answer.calls:
            return
        conversation.called([_run(call.name or "", "".join(call.arguments), view.called) for call in answer.calls])
    conversation.take_back()
    raise ServiceFailed(f"The model called tools {_MOST_ROUNDS} times in a row and gave no answer: ask in other words.")


async def _answer(conversation: Conversation, service: Service, view: View) -> Answer:
    answer, timed, began = Answer(), _Timed(view), time.monotonic()
    images = conversation.has_images
    view.begin()
    try:
        await service.answer(conversation.request(), answer, model=conversation.model, images=images, watching=timed)
    except asyncio.CancelledError:
        conversation.stopped(answer)
        view.end("stopped")
        raise
    except ServiceFailed:
        conversation.stopped(answer)
        view.end("broken off" if answer.content else "")
        raise
    now = time.monotonic()
    view.end(remark(answer, whole_s=now - began, writing_s=now - (timed.first or now)))
    return answer


def remark(answer: Answer, *, whole_s: float, writing_s: float) -> str:
    """Tokens, speed and time of an answer in a few words, and why it ended where that is worth telling."""
    parts = []
    if answer.tokens is not None:
        parts.append(f"{answer.tokens} tokens")
        if writing_s > 0 and answer.tokens > 1:
            parts.append(f"{answer.tokens / writing_s:.1f} tokens/s")
    parts.append(f"{whole_s:.1f} s")
    if reason := _REMARKS.get(answer.finish_reason or ""):
        parts.append(reason)
    return " · ".join(parts)


def _run(name: str, arguments: str, tell: Callable[[str, str, str], None]) -> str:
    result = tools.run(name, arguments, now=lambda: datetime.now(UTC))
    tell(name, arguments, result)
    return result
