"""Embeddings, reranking and counting of a whole server, as clients meet them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.minilm import reader, reference
from tests.stories.bodies import HELLO, TOOLS, chat
from tests.stories.served import Served, reply_of

pytestmark = pytest.mark.engine

QUERY = "Who painted the ceiling of the chapel?"
DOCUMENTS = ["Interest rates rose on Thursday.", "Michelangelo painted the ceiling.", "A cat sleeps on the stone."]
RERANK: dict[str, Any] = {"model": "rerank", "query": QUERY, "documents": DOCUMENTS}


@pytest.mark.parametrize(("base", "document"), [("/api/paas/v4", DOCUMENTS[1]), ("/v1", {"text": DOCUMENTS[1]})])
def test_documents_are_sorted(served: Served, base: str, document: object) -> None:
    """The one that answers the query comes first (contract 4.2); how it was done is said."""
    reply = reply_of(served, RERANK | {"return_documents": True}, base=base, path="/rerank")
    scores = [one["relevance_score"] for one in reply.json["results"]]
    assert reply.json["results"][0]["index"] == 1
    assert reply.json["results"][0]["document"] == document
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < scores[0] <= 1
    assert reply.headers["x-glmgate-adaptations"] == "model=rerank->all-minilm-l6-v2; rerank=emulated"


def test_a_rerank_counts_what_was_read(served: Served) -> None:
    """Query and documents, with the tokens around them."""
    usage = reply_of(served, RERANK | {"top_n": 1}, base="/api/paas/v4", path="/rerank").json["usage"]
    tokens = sum(len(piece) for text in (QUERY, *DOCUMENTS) for piece in reader().windows(text, most=1000))
    assert usage == {"prompt_tokens": tokens, "total_tokens": tokens}


def test_a_strict_rerank_is_refused(served: Served) -> None:
    """Vectors are no reranker, even where the model is named as it is."""
    asked = RERANK | {"model": "all-minilm-l6-v2", "glmgate": {"strict": True}}
    reply = reply_of(served, asked, path="/rerank")
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "not_exact", "rerank")


def test_a_chat_model_does_not_rerank(served: Served) -> None:
    """It is of another kind."""
    reply = reply_of(served, RERANK | {"model": "glmgate-tiny"}, path="/rerank")
    assert (reply.status, reply.error["param"]) == (400, "model")


def test_vectors_of_any_script_are_the_originals(served: Served) -> None:
    """Korean, Hindi and special tokens in a text, which the engine by itself reads differently."""
    wanted = [one for one in reference().sentences if one.text.startswith(("서울", "नमस्ते", "[CLS]", "Grüße"))]
    asked = {"model": "all-minilm-l6-v2", "input": [one.text for one in wanted]}
    answer = reply_of(served, asked, path="/embeddings").json
    assert len(wanted) >= 4
    assert answer["usage"]["prompt_tokens"] == sum(len(one.ids) for one in wanted)
    for one, item in zip(wanted, answer["data"], strict=True):
        vector = item["embedding"]
        assert math.fsum(a * b for a, b in zip(one.vector, vector, strict=True)) / math.hypot(*vector) >= 0.999


def test_a_long_text_is_cut_and_said_so(served: Served) -> None:
    """A strict call is refused with the count in its place."""
    asked = {"model": "all-minilm-l6-v2", "input": "fire " * 600}
    reply = reply_of(served, asked, path="/embeddings")
    assert (reply.status, reply.headers["x-glmgate-adaptations"]) == (200, "input=chunked")
    assert reply.json["usage"]["prompt_tokens"] == 600 + 3 * 2
    strict = reply_of(served, asked | {"glmgate": {"strict": True}}, path="/embeddings")
    assert (strict.status, strict.error["code"]) == (400, "context_length_exceeded")
    assert "602 tokens" in strict.error["message"]


@pytest.mark.parametrize("mode", ["enabled", "disabled"])
@pytest.mark.parametrize("tools", [None, TOOLS])
def test_the_tokenizer_reads_thinking_and_tools(served: Served, mode: str, tools: object) -> None:
    """The count is the prompt tokens of the same chat request (contract 4.3)."""
    asked = {"messages": HELLO, "thinking": {"type": mode}} | ({"tools": tools} if tools else {})
    counted = reply_of(served, {"model": "glm-4.6", **asked}, base="/api/paas/v4", path="/tokenizer").json["usage"]
    answered = reply_of(served, chat(max_tokens=1, **asked), base="/api/paas/v4").json["usage"]
    assert counted["prompt_tokens"] == counted["total_tokens"] == answered["prompt_tokens"]
