"""Server-sent events, read and written (WHATWG HTML, section 9.2). Bytes in, events out; no I/O, no JSON.

Any re-chunking of the same bytes gives the same events.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMENT = b": ping\n\n"
"""Keeps a silent stream open. Only a comment is safe: events without data break five SDKs (contract 0.3)."""

DONE = b"data: [DONE]\n\n"
DONE_DATA = b"[DONE]"

DEFAULT_MAX_EVENT_BYTES = 16 * 1024 * 1024
"""More than any answer of a model in one piece; a peer that never ends an event must not fill our memory."""


class EventTooLarge(Exception):
    """An event is larger than the reader's limit; the stream cannot be read on."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its data lines joined by newlines, and its type (empty: `message`)."""

    data: bytes
    type: bytes = b""


class SseReader:
    """Feed it bytes as they arrive; it gives back the events that they complete.

    An event that the stream's end cuts off is never given: `unfinished` tells that there is one.
    """

    __slots__ = ("_buffer", "_data", "_held", "_max_bytes", "_skip_newline", "_type")

    def __init__(self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self._buffer = b""
        self._data: list[bytes] = []
        self._held = 0
        self._type = b""
        self._skip_newline = False
        self._max_bytes = max_event_bytes

    @property
    def unfinished(self) -> bool:
        """True when bytes are left that belong to an event that has not ended."""
        return bool(self._buffer.strip() or self._data)

    def feed(self, chunk: bytes) -> list[Event]:
        """Take `chunk`; return the events that are now whole. Raises EventTooLarge."""
        if self._skip_newline and chunk:
            # A "\r" ended the chunk before: it already ended its line, so a "\n" now is the rest of the same ending.
            chunk = chunk.removeprefix(b"\n")
            self._skip_newline = False
        if chunk.endswith(b"\r"):
            self._skip_newline = True
        text = self._buffer + chunk
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._buffer = text.split(b"\n")
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(self._buffer) + self._held > self._max_bytes:
            raise EventTooLarge(f"an event is larger than {self._max_bytes} bytes")
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._held += len(value)
        elif name == b"event":
            self._type = value
        # Comments (an empty name), `id`, `retry` and unknown names say nothing about an answer.
        return None

    def _dispatch(self) -> Event | None:
        event = Event(b"\n".join(self._data), self._type) if self._data else None
        self._data, self._type, self._held = [], b"", 0
        return event


def event_bytes(data: bytes) -> bytes:
    """`data` (one line of JSON) as an event."""
    return b"data: " + data + b"\n\n"
