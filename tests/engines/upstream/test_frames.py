"""From bytes to documents: every cut of the bytes gives the same, and broken frames are put right or noticed (S4)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.engines.upstream.frames import DONE as END
from glmgate.engines.upstream.frames import FrameReader, Unreadable
from glmgate.engines.upstream.shapes import Chunk
from glmgate.errors import AnswerTruncated, CapacityExceeded, EngineFailed
from tests.engines.upstream.reading import DONE, body, calls, chunk, event, finish, folded, read, read_cut, text, usage

ANSWER = (
    b": a comment\r\n\r\n"
    + chunk({"reasoning": "Hm 汉"})
    + text("Grüße 🎉")
    + calls({"index": 0, "id": "a", "function": {"name": "f"}}, {"index": 1, "id": "b", "function": {"name": "g"}})
    + calls({"index": 0, "function": {"arguments": '{"x":"'}})
    + calls({"index": 0, "function": {"arguments": 'é"}'}})
    + finish("tool_calls").replace(b"\n\n", b"\r\n\r\n")
    + event({"choices": [], "usage": usage()})
    + DONE
)
PRETTY = json.dumps(body({"content": "ab"}), indent=1).encode().split(b"\n")
A, B = json.dumps(body({"content": "a"})).encode(), json.dumps(body({"content": "b"})).encode()


def texts(data: bytes) -> str:
    """The text of a stream whose end is added."""
    return folded(read(data + finish() + DONE)).content


@given(st.lists(st.integers(1, 60), max_size=60))
def test_any_cutting_of_the_bytes_gives_the_same_deltas(cuts: list[int]) -> None:
    """Where sockets, proxies and TLS cut makes no difference, within a character or a line's end neither."""
    assert read_cut(ANSWER, cuts) == read(ANSWER)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_any_cutting_of_a_spoiled_stream_gives_the_same_deltas(cuts: list[int]) -> None:
    """Repairs depend on what came, not on when."""
    half = B.index(b'"choices"')
    spoiled = b"data:" + A + b"data: " + B + b"\n\ndata: " + B[:half] + b"\n\ndata: " + B[half:] + b"\r\r"
    whole = spoiled + finish() + b"data: [DONE]"
    assert read_cut(whole, cuts) == read(whole)
    assert folded(read(whole)).content == "abb"


@pytest.mark.parametrize(
    "data",
    [
        b"data:" + A + b"\n\ndata:" + B + b"\n\n",
        b"data: " + A + b"\r\n\r\ndata: " + B + b"\r\n\r\n",
        b"data: " + A + b"\r\rdata: " + B + b"\r\r",
        b"data: " + A + b"\ndata: " + B + b"\n\n",
        b"data: " + A + b"data: " + B + b"\n\n",
        b"data: " + A + B + b"\n\n",
        b"data: data: " + A + b"\n\ndata: " + B + b"\n\n",
        b"event: message\nid: 1\ndata: " + A + b"\n\nevent: message\ndata: " + B + b"\n\n",
        b"data: " + A[:30] + b"\n\ndata: " + A[30:] + b"\n\ndata: " + B + b"\n\n",
        b"data: " + A[:30] + b"\n\ndata: " + A[30:60] + b"\n\ndata: " + A[60:] + B + b"\n\n",
        b"data: ping\n\ndata: null\n\ndata: " + A + b"\n\ndata: \n\ndata: " + B + b"\n\n",
        b"".join(b"data: " + line + b"\n" for line in PRETTY),
    ],
    ids=[
        "no-blank",
        "CRLF",
        "CR",
        "merged",
        "glued",
        "without-data",
        "doubled",
        "names",
        "halved",
        "thirds",
        "pings",
        "pretty",
    ],
)
def test_frames_that_are_put_right(data: bytes) -> None:
    """Nothing is lost and nothing comes twice."""
    assert texts(data) == "ab"


def test_a_blank_where_a_frame_was_cut_stays() -> None:
    """Cut within a text, the blanks at the cut are the text's."""
    whole = json.dumps(body({"content": "a  b"})).encode()
    cut = whole.index(b"a  b") + 2
    assert texts(b"data: " + whole[:cut] + b"\n\ndata: " + whole[cut:] + b"\n\n") == "a  b"


def test_a_last_line_without_its_end_counts() -> None:
    """Some close behind the last byte of JSON."""
    assert folded(read(text("x") + finish().rstrip(b"\n"))).finish_reason == "stop"


@pytest.mark.parametrize(
    "data",
    [
        b"data: " + A[:30] + b"\n\ndata: " + B + b"\n\n",
        b"data: " + A[:30] + b"\n\n" + DONE,
        b"data: <html>\n\n",
        b"data: oops\n\n",
        b"data: [1]\n\n",
        b'data: {"choices": "none"}\n\n',
        b'data: {"choices": [{"delta": {"content": 5}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n' + text("x"),
        b"data: " + b'{"a":' * 100_000 + b"\n\n",
    ],
)
def test_what_cannot_be_put_right_is_a_failure(data: bytes) -> None:
    """A frame that is dropped would be a part of the answer that is missing."""
    with pytest.raises(EngineFailed):
        read(data + finish() + DONE)


def test_a_stream_that_ends_within_a_frame_is_cut() -> None:
    """What had been said is not all."""
    with pytest.raises(AnswerTruncated):
        read(text("x") + b"data: " + A[:30])


def test_a_stream_that_is_cut_behind_its_end_is_whole() -> None:
    """Only the usage can be missing."""
    (_, end) = read(text("x") + finish() + b'data: {"choices": [], "usa')
    assert end.finish_reason == "stop"


def test_an_error_counts_before_what_follows_it() -> None:
    """However broken that is, and however much of it comes in one read."""
    with pytest.raises(CapacityExceeded):
        read(event({"error": {"code": "1302", "message": "x"}}) + b"data: oops\n\n")


def test_numbers_and_texts_that_json_does_not_have_are_read() -> None:
    """Log probabilities of minus infinity, whole numbers as fractions, half of a character as the sign for it."""
    choice_text = b'{"index":0.0,"delta":{"content":"a\\ud83d"},"logprobs":{"content":[{"logprob":-Infinity}]}}'
    said = b'data: {"choices":[' + choice_text + b"]}\n\n"
    (frame,) = FrameReader().feed(said)
    assert isinstance(frame, Chunk)
    assert frame.choices is not None
    (choice,) = frame.choices
    assert choice.index == 0
    assert choice.delta is not None
    assert choice.delta.content == "a\ufffd"


@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b"data:[DONE]\n", b'data: "[DONE]"\n\n', b"data: [DONE] \r\n"])
def test_the_end_has_several_spellings(done: bytes) -> None:
    """And what is behind it is not looked at."""
    assert FrameReader().feed(done + b"data: {oops\n\n") == [END]


def test_a_line_that_never_ends_is_refused() -> None:
    """A peer cannot fill our memory."""
    (frame,) = FrameReader().feed(b"x" * 17 * 1024 * 1024)
    assert isinstance(frame, Unreadable)


def test_a_document_of_very_many_frames_is_refused() -> None:
    """Each of them makes all before it be looked at again."""
    (frame,) = FrameReader().feed(b'data: {"a": "\n\n' * 100)
    assert isinstance(frame, Unreadable)
