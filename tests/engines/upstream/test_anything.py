"""Whatever an upstream sends: the same deltas however it is cut, and no failure that is not ours."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream import whole
from glmgate.engines.upstream.chunks import ChunkReader
from glmgate.engines.upstream.failures import failure
from glmgate.errors import GlmgateError
from glmgate.wire.delta import Delta
from tests.engines.upstream.reading import DONE, NOW, SECRET, calls, chunk, event, finish, reading, text, usage

PIECES = st.sampled_from(
    [
        text("Grüße "),
        text("汉字🎉"),
        chunk({"reasoning": "Hm"}),
        chunk({"reasoning_content": "Hm", "content": None}),
        chunk({"content": [{"type": "text", "text": "a"}]}),
        calls({"index": 0, "id": "a", "function": {"name": "f"}}),
        calls({"index": 0, "function": {"arguments": '{"x":'}}),
        calls({"id": "b", "function": {"name": "g", "arguments": {"y": 1}}}),
        calls({"type": "web_browser", "web_browser": {"input": "x"}}),
        event({"choices": [], "usage": usage()}),
        event({"choices": [{"index": 1, "delta": {"content": "b"}}], "web_search": [{"title": "A"}]}),
        event({"error": {"code": "1302", "message": "too many"}}),
        b": ping\n\n",
        b"event: x\nid: 1\n",
        b"data: \n\n",
        b'data: {"choices": [{"delta": {"content": "cut',
        b' off"}}]}\n\n',
        b"data: {broken\n\n",
        finish(),
        finish("tool_calls"),
        finish("network_error"),
        event({"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]}),
        DONE,
        b"\r\n",
        b"\r",
    ]
)
NAMES = [
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "index",
    "id",
    "function",
    "name",
    "arguments",
    "error",
    "code",
    "msg",
    "usage",
    "prompt_tokens",
    "finish_reason",
    "detail",
    "object",
    "type",
    "param",
    "logprobs",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=5),
    max_leaves=20,
)


def outcome(data: bytes, cuts: list[int]) -> tuple[list[Delta], type[GlmgateError] | None]:
    """What a stream in these pieces says, and how it fails."""
    reader, said = ChunkReader(reading()), list[Delta]()
    try:
        for cut in cuts:
            said += reader.feed(data[:cut])
            data = data[cut:]
        said += reader.feed(data)
        said += reader.close()
    except GlmgateError as exc:
        return said, type(exc)
    return said, None


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 50), max_size=40))
def test_any_stream_says_the_same_however_it_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    """When it fails, what came before in the same read is not told any more; nothing else differs."""
    data = b"".join(pieces)
    whole_said, whole_failed = outcome(data, [])
    said, failed = outcome(data, cuts)
    assert failed is whole_failed
    if failed is None:
        assert said == whole_said
    else:
        assert said[: len(whole_said)] == whole_said


@given(st.lists(PIECES, max_size=12))
def test_each_choice_ends_once_or_the_stream_fails(pieces: list[bytes]) -> None:
    """There is no third way (facts 3: `[DONE]` proves nothing)."""
    said, failed = outcome(b"".join(pieces), [])
    if failed is None:
        choices = {delta.choice for delta in said}
        assert choices
        assert sorted(delta.choice for delta in said if delta.finish_reason) == sorted(choices)


@given(st.binary(max_size=200) | st.lists(JSON, max_size=3).map(lambda each: b"".join(map(as_event, each))))
def test_anything_in_a_stream_is_an_answer_or_a_failure_of_ours(data: bytes) -> None:
    """Nothing else is raised."""
    outcome(data, [])


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_as_a_body_is_an_answer_or_a_failure_of_ours(body: bytes) -> None:
    """Nothing else is raised."""
    with suppress(GlmgateError):
        assert whole.read(body, reading())


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()), st.integers(300, 599))
def test_any_error_has_a_meaning(body: bytes, status: int) -> None:
    """And a message that shows no credential."""
    spoiled = body.replace(b'"', b'"' + SECRET.reveal().encode(), 1)
    error = failure(shipped("zai"), status, {}, spoiled, now=NOW, secret=SECRET)
    assert SECRET.reveal() not in error.message


@given(st.text(), st.text(), st.text())
def test_any_header_of_an_error_is_read(retry: str, reset: str, limit: str) -> None:
    """A number of seconds that makes sense, or none."""
    headers = {"retry-after": retry, "x-ratelimit-reset": reset, "retry-after-ms": limit}
    seconds = failure(shipped("generic"), 429, headers, b"", now=NOW).retry_after_s
    assert seconds is None or 0 <= seconds < 1e9


def as_event(value: Any) -> bytes:
    """A value as an event; what Python writes that JSON does not have is sent, too."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"
