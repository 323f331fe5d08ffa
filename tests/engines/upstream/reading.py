"""Chunks as services write them, and what the reader makes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from glmgate.adaptation.profile import Profile, shipped
from glmgate.engines.upstream.answer import Reading
from glmgate.engines.upstream.chunks import ChunkReader
from glmgate.engines.upstream.secret import Secret
from glmgate.wire.delta import Delta
from glmgate.wire.fold import CompletedChoice, Fold

NOW = 1_795_341_600.0  # 2026-11-22 10:00:00 UTC
SECRET = Secret("0123456789abcdef.verySecretHalf")
ZAI = shipped("zai")


def reading(profile: Profile = ZAI, *, may_be_empty: bool = False, is_judged: bool = False) -> Reading:
    """What is known of an answer; ids are call_1, call_2 and so on."""
    numbers = count(1)
    return Reading(
        profile=profile,
        may_be_empty=may_be_empty,
        is_judged=is_judged,
        now=lambda: NOW,
        secret=SECRET,
        new_id=lambda: f"call_{next(numbers)}",
    )


def body(delta: dict[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    return {"id": "x", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta or {}, **choice}]}


def event(document: object) -> bytes:
    """A document as an event; its characters are not escaped, so that some have several bytes."""
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> bytes:
    """A chunk with one choice, as an event."""
    return event(body(delta, **choice))


def text(said: str) -> bytes:
    """A chunk of text."""
    return chunk({"role": "assistant", "content": said})


def calls(*pieces: dict[str, Any]) -> bytes:
    """A chunk with pieces of calls."""
    return chunk({"tool_calls": list(pieces)})


def finish(reason: str = "stop") -> bytes:
    """The chunk that ends the choice."""
    return chunk({}, finish_reason=reason)


def usage(prompt: int = 7, completion: int = 3, **more: Any) -> dict[str, Any]:
    """The member `usage`."""
    sums = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return sums | {"prompt_tokens_details": {"cached_tokens": 2}} | more


DONE = b"data: [DONE]\n\n"


def read(data: bytes, known: Reading | None = None) -> list[Delta]:
    """All deltas of a stream that comes in one piece."""
    reader = ChunkReader(known or reading())
    return [*reader.feed(data), *reader.close()]


def read_cut(data: bytes, cuts: Sequence[int]) -> list[Delta]:
    """All deltas of a stream that comes in pieces of these lengths, and the rest."""
    reader, deltas = ChunkReader(reading()), list[Delta]()
    for cut in cuts:
        deltas += reader.feed(data[:cut])
        data = data[cut:]
    return [*deltas, *reader.feed(data), *reader.close()]


def folded(deltas: Sequence[Delta]) -> CompletedChoice:
    """The one choice that they make."""
    fold = Fold()
    for delta in deltas:
        fold.feed(delta)
    (choice,) = fold.result().choices
    return choice
