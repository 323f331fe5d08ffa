"""Every text of a request is shown with its place, and can be changed where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.policy.filters.places import Collected, Request, Visitor, characters, visited
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import Members, convert, plain
from glmgate.wire.rerank import RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "t1"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t2"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,x"}},
                {"type": "file", "file": {"file_data": "x", "filename": "t3"}},
            ],
            "refusal": "t4",
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "t5",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "t6"}'}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": {"a": "t7"}}},
                {"id": "c3", "type": "custom", "custom": {"name": "g", "input": "t8"}},
            ],
            "function_call": {"name": "f", "arguments": '"t9"'},
        },
        {"role": "tool", "tool_call_id": "c1", "content": "t10"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "t11"}}],
    "functions": [{"name": "f", "description": "t12"}],
    "user": "u",
}
CASES: list[tuple[type[Members], dict[str, Any], list[tuple[str, str]]]] = [
    (
        ChatRequest,
        CHAT,
        [
            ("messages[0]", "t1"),
            *(("messages[1]", text) for text in ("t2", "t3", "t4")),
            *(("messages[2]", text) for text in ("t5", '{"a": "t6"}', "t7", "g", "t8", '"t9"')),
            ("messages[3]", "t10"),
            ("tools[0]", "t11"),
            ("functions[0]", "t12"),
        ],
    ),
    (TokenizerRequest, {"model": "m", "messages": [{"role": "user", "content": "t1"}]}, [("messages[0]", "t1")]),
    (CompletionRequest, {"model": "m", "prompt": "t1", "suffix": "t2"}, [("prompt", "t1"), ("suffix", "t2")]),
    (CompletionRequest, {"model": "m", "prompt": ["t1", "t2"]}, [("prompt[0]", "t1"), ("prompt[1]", "t2")]),
    (CompletionRequest, {"model": "m", "prompt": [1, 2]}, []),
    (EmbeddingsRequest, {"model": "m", "input": "t1"}, [("input", "t1")]),
    (EmbeddingsRequest, {"model": "m", "input": ["t1", "t2"]}, [("input[0]", "t1"), ("input[1]", "t2")]),
    (
        RerankRequest,
        {"model": "m", "query": "t1", "documents": ["t2", {"text": "t3", "title": "t4"}]},
        [("query", "t1"), ("documents[0]", "t2"), ("documents[1]", "t3"), ("documents[1]", "t4")],
    ),
]


class Marking(Visitor):
    """Puts a sign behind each text."""

    def text(self, place: str, text: str) -> str:
        """A sign."""
        return text + "!"

    def json(self, place: str, text: str) -> str:
        """A sign that keeps it JSON."""
        return text + " "


def request_of(kind: type[Members], document: dict[str, Any]) -> Request:
    """The request."""
    value = convert(document, kind)
    assert isinstance(value, Request)
    return value


@pytest.mark.parametrize(("kind", "document", "shown"), CASES)
def test_every_text_has_a_place(kind: type[Members], document: dict[str, Any], shown: list[tuple[str, str]]) -> None:
    """And nothing is changed by looking."""
    request, collected = request_of(kind, document), Collected()
    assert visited(request, collected) is request
    assert sorted(collected.found) == sorted(shown)
    assert sum(characters(request)) == sum(len(text) for _, text in shown)


@pytest.mark.parametrize(("kind", "document", "shown"), CASES)
def test_every_text_can_be_changed(kind: type[Members], document: dict[str, Any], shown: list[tuple[str, str]]) -> None:
    """The request itself stays as it was; of the new one nothing else is another."""
    request = request_of(kind, document)
    before = plain(request)
    after = visited(request, Marking())
    assert plain(request) == before
    again = Collected()
    assert (visited(after, again) is after, after is request) == (True, not shown)
    assert sorted(text.rstrip("! ") for _, text in again.found) == sorted(text for _, text in shown)
    assert all(text.endswith(("!", " ")) for _, text in again.found)
    assert set(plain(after)) == set(before)
