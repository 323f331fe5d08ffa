"""The rerank answer's forms."""

from __future__ import annotations

from glmgate.wire.rerank import Ranked, Ranking, encode

RANKING = Ranking((Ranked(1, 0.9, "b"), Ranked(0, 0.1)), prompt_tokens=4)


def test_glms_form_has_documents_as_texts() -> None:
    """Contract 4.2."""
    assert encode(RANKING, model="m", surface="zai") == {
        "model": "m",
        "results": [
            {"index": 1, "relevance_score": 0.9, "document": "b"},
            {"index": 0, "relevance_score": 0.1},
        ],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


def test_the_common_form_has_documents_as_objects() -> None:
    """As Jina, Cohere and vLLM have it."""
    assert encode(RANKING, model="m", surface="openai")["results"][0]["document"] == {"text": "b"}
