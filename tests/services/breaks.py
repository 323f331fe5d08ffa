"""The ways in which an answer breaks on its way, and the ways in which whole ones are framed.

Which answer breaks is decided in `service`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from tests.services.connection import Connection
from tests.services.shapes import Frame

BreakKind = Literal[
    "before_headers",
    "after_headers",
    "before_delta",
    "cut",
    "within_frame",
    "within_utf8",
    "error_event",
    "error_then_done",
    "done_without_finish",
    "ended",
    "empty_stop",
    "html",
    "garbage",
    "stall",
    "reset",
    "wrong_length",
]
"""`cut` closes between two frames, `ended` ends the answer properly but without a finish reason, `before_delta` closes
behind a chunk that says nothing; the others are what they are called."""
BREAKS: Final[tuple[BreakKind, ...]] = get_args(BreakKind)
EARLY: Final[frozenset[BreakKind]] = frozenset({"before_headers", "after_headers", "before_delta", "html"})
"""These happen before anything was said, whatever `after` is."""

Framing = Literal["each", "bytes", "merged", "glued", "halved", "crlf", "tight"]
"""How whole chunks travel: one event each; in pieces of seven bytes; two chunks in one event; two in one line; one
chunk over two events; with CRLF; without the space after `data:`."""

SSE: Final = "text/event-stream;charset=UTF-8"
DONE: Final = b"data: [DONE]\n\n"
SAYING: Final = frozenset({"reasoning", "text", "call"})
_HTML: Final = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_FOREVER_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Break:
    """A break after so many pieces of reasoning, text or calls.

    It comes so much later than they do that nobody reads them together.
    """

    kind: BreakKind
    after: int = 0
    pause_s: float = 0.0


def event(frame: Frame) -> bytes:
    """A chunk as an event; its characters are not escaped, so that some have several bytes."""
    return b"data: " + json.dumps(frame.body, ensure_ascii=False).encode() + b"\n\n"


def framed(frames: Sequence[Frame], framing: Framing) -> list[bytes]:
    """A whole stream, in the pieces in which it is sent."""
    events = [event(frame) for frame in frames]
    match framing:
        case "each":
            return [*events, DONE]
        case "bytes":
            whole = b"".join([*events, DONE])
            return [whole[start : start + 7] for start in range(0, len(whole), 7)]
        case "merged" | "glued":
            cut = b"\n" if framing == "merged" else b""
            pairs = [events[start : start + 2] for start in range(0, len(events), 2)]
            return [*(cut.join(each.rstrip(b"\n") for each in pair) + b"\n\n" for pair in pairs), DONE]
        case "halved":
            return [*(_halved(each) for each in events), DONE]
        case "crlf":
            return [each.replace(b"\n\n", b"\r\n\r\n") for each in [*events, DONE]]
        case "tight":
            return [each.replace(b"data: ", b"data:", 1) for each in [*events, DONE]]


def _halved(whole: bytes) -> bytes:
    middle = whole.index(b'"choices"')
    return whole[:middle] + b"\n\ndata: " + whole[middle:]


async def send_broken(connection: Connection, how: Break, frames: Sequence[Frame], error: dict[str, Any]) -> None:
    """Answer with a stream that breaks. Raises Left when the other side closes first."""
    if how.kind == "before_headers":
        await connection.cut()
        return
    if how.kind == "html":
        await connection.whole(200, _HTML, kind="text/html")
        return
    before, victim = _divided(frames, how.after)
    if how.kind == "wrong_length":
        await connection.whole(200, b"".join(map(event, before)), kind=SSE, missing=1_000)
        await connection.wait(how.pause_s if how.after else 0)
        await connection.cut()
        return
    await connection.begin(kind=SSE)
    if how.kind != "after_headers":
        for frame in before:
            await connection.piece(event(frame))
    if how.after:
        await connection.wait(how.pause_s)
    for data in _last_words(how, victim, frames[-1], error):
        await connection.piece(data)
    await _leave(connection, how)


def _divided(frames: Sequence[Frame], after: int) -> tuple[list[Frame], Frame]:
    """The frames before the one in which the break is, and that one."""
    said = 0
    before: list[Frame] = []
    for frame in frames:
        if frame.kind == "finish" or (frame.kind in SAYING and said == after):
            return before, frame
        said += frame.kind in SAYING
        before.append(frame)
    raise AssertionError("a stream without a finish")


def _last_words(how: Break, victim: Frame, last: Frame, error: dict[str, Any]) -> list[bytes]:
    spoiled = b"data: " + json.dumps({"error": error}, ensure_ascii=False).encode() + b"\n\n"
    match how.kind:
        case "within_frame":
            return [event(victim)[: len(event(victim)) // 2]]
        case "within_utf8":
            body = json.loads(json.dumps(victim.body))
            body["choices"][0]["delta"]["content"] = "汉字"
            data = event(Frame("text", body))
            return [data[: data.index("字".encode()) + 1]]
        case "error_event":
            return [spoiled]
        case "error_then_done":
            return [spoiled, DONE]
        case "done_without_finish":
            return [DONE]
        case "garbage":
            return [b'data: {"id": "gar, bage\n\n', DONE]
        case "empty_stop":
            return [event(last), DONE]
        case _:
            return []


async def _leave(connection: Connection, how: Break) -> None:
    match how.kind:
        case "stall":
            await connection.wait(_FOREVER_S)
        case "reset":
            connection.reset()
        case "error_event" | "error_then_done" | "done_without_finish" | "ended" | "empty_stop" | "garbage":
            await connection.end()
        case _:
            await connection.cut()
