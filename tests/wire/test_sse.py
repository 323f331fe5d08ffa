"""The SSE reader, against the WHATWG rules and against any cutting of the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.wire.sse import COMMENT, DONE, Event, EventTooLarge, SseReader, event_bytes


def read(*chunks: bytes) -> list[Event]:
    """Feed the chunks to one reader."""
    reader = SseReader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


def test_an_event_is_what_stands_before_the_blank_line() -> None:
    """Data lines are joined by newlines, and the blank after the colon is no data."""
    assert read(b"event: x\ndata: one\ndata:two\n\n") == [Event(b"one\ntwo", b"x")]


def test_comments_and_unknown_fields_are_no_events() -> None:
    """Keep-alives, ids and retry hints say nothing about an answer."""
    assert read(COMMENT, b"id: 7\nretry: 10\n\n", b"nonsense\n\n") == []


def test_what_is_written_is_read() -> None:
    """The writer's bytes come back as the data that was written."""
    assert read(event_bytes(b'{"a":1}'), DONE) == [Event(b'{"a":1}'), Event(b"[DONE]")]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_each_line_ending_of_the_standard_ends_a_line(ending: bytes) -> None:
    """LF, CRLF and CR are equal."""
    assert read(b"data: a" + ending + b"data: b" + ending + ending) == [Event(b"a\nb")]


def test_an_event_that_the_end_cuts_off_is_not_given() -> None:
    """Half an event is no event, but the reader says that something was left."""
    reader = SseReader()
    assert reader.feed(b"data: half\n") == []
    assert reader.unfinished


def test_an_event_over_the_limit_is_refused() -> None:
    """A peer that never ends a line, or never ends an event, does not fill the memory."""
    for endless in (b"x" * 40, b"data: x\n" * 40):
        reader = SseReader(max_event_bytes=32)
        with pytest.raises(EventTooLarge):
            reader.feed(endless)


LINES = st.sampled_from([b"data: a", b"data:", b"data: \xe4\xbd\xa0", b"event: e", b": ping", b"id: 1", b"", b"", b"x"])
ENDINGS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, ENDINGS), max_size=30), st.lists(st.integers(1, 7), max_size=60))
def test_any_rechunking_gives_the_same_events(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    """Where the network cuts the bytes makes no difference."""
    stream = b"".join(line + ending for line, ending in lines)
    chunks, rest = [], stream
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    assert read(*chunks, rest) == read(*(stream[i : i + 1] for i in range(len(stream)))) == read(stream)
