"""What services add to their answers beside text: results of searches, filters, tools that they ran themselves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.wire.answers import ChunkWriter, Head, plain
from glmgate.wire.delta import Delta, ToolCallDelta, Usage
from glmgate.wire.engine import Surface
from glmgate.wire.fold import Fold
from glmgate.wire.sse import DONE_DATA, SseReader

FOUND = [{"title": "A", "link": "https://a.test", "refer": "ref_1"}, {"title": "B", "refer": "ref_2"}]
INPUT: dict[str, Any] = {"type": "code_interpreter", "id": "call_1", "code_interpreter": {"input": "1+1"}}
OUTPUT: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"outputs": [{"type": "logs", "logs": "2"}]}}
ANSWER = (
    Delta(content="Two", extra={"web_search": FOUND[:1]}),
    Delta(tool_calls=(ToolCallDelta(0, native=INPUT),)),
    Delta(tool_calls=(ToolCallDelta(1, native=OUTPUT),)),
    Delta(
        finish_reason="stop",
        usage=Usage(1, 1),
        extra={"web_search": FOUND, "content_filter": [{"role": "assistant", "level": 3}]},
    ),
)


def head(surface: Surface) -> Head:
    """Of an answer."""
    return Head(surface=surface, id="id-1", created=1, model="m")


@pytest.mark.parametrize("surface", ["zai", "openai"])
def test_a_stream_has_them_in_its_chunks(surface: Surface) -> None:
    """Beside the choices of the chunk that they came with, and on the finish chunk; pieces of tools as they came."""
    writer = ChunkWriter(head(surface))
    events = SseReader().feed(writer.write(ANSWER) + writer.finish())
    chunks: list[dict[str, Any]] = [msgspec.json.decode(event.data) for event in events if event.data != DONE_DATA]
    assert [chunk.get("web_search") for chunk in chunks] == [FOUND[:1], None, None, FOUND]
    assert chunks[-1]["content_filter"] == [{"role": "assistant", "level": 3}]
    calls = [chunk["choices"][0]["delta"]["tool_calls"] for chunk in chunks[1:3]]
    assert calls == [[{"index": 0} | INPUT], [{"index": 1} | OUTPUT]]


@pytest.mark.parametrize("surface", ["zai", "openai"])
def test_a_plain_answer_has_them_once(surface: Surface) -> None:
    """What came twice, in pieces or as a whole, stands once."""
    fold = Fold()
    for delta in ANSWER:
        fold.feed(delta)
    body = msgspec.json.decode(plain(head(surface), fold.result()))
    assert body["web_search"] == FOUND
    assert body["content_filter"] == [{"role": "assistant", "level": 3}]
    whole = INPUT["code_interpreter"] | OUTPUT["code_interpreter"]
    assert body["choices"][0]["message"]["tool_calls"] == [{"index": 0} | INPUT | {"code_interpreter": whole}]
