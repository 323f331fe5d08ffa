"""Reranking by vectors (contract 4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.reranking import MOST_DOCUMENTS, notes, ranked, texts
from glmgate.errors import InvalidRequest
from glmgate.wire.embeddings import Embeddings
from glmgate.wire.members import convert
from glmgate.wire.rerank import RerankRequest

VECTORS = ((1.0, 0.0), (0.6, 0.8), (-1.0, 0.0), (1.0, 0.0), (0.0, 0.0))


def request(**members: Any) -> RerankRequest:
    """A request with four documents."""
    return convert({"model": "rerank", "query": "q", "documents": ["a", "b", "c", "d"]} | members, RerankRequest)


def order(**members: Any) -> list[tuple[int, float]]:
    """Places and scores."""
    return [(one.index, one.score) for one in ranked(request(**members), Embeddings(VECTORS, 9)).results]


def test_query_and_documents_are_embedded_together() -> None:
    """In one request, with all that the caller said besides."""
    asked = texts(request(documents=["a", {"text": "b"}], user_id="somebody", novelty=1))
    assert (asked.input, asked.user_id, asked.unknown) == (["q", "a", "b"], "somebody", {"novelty": 1})


def test_documents_are_sorted_by_score() -> None:
    """From 1 to 0; what points away has 0 and stands behind what has nothing to do with the query."""
    assert order() == [(2, 1.0), (0, 0.6), (3, 0.0), (1, 0.0)]


def test_raw_scores_are_the_cosines() -> None:
    """From 1 to -1."""
    assert order(return_raw_scores=True) == [(2, 1.0), (0, 0.6), (3, 0.0), (1, -1.0)]


@pytest.mark.parametrize(("top_n", "count"), [(None, 4), (0, 4), (1, 1), (3, 3), (99, 4)])
def test_the_best_are_kept(top_n: int | None, count: int) -> None:
    """0 means all."""
    assert len(order(top_n=top_n)) == count


def test_documents_come_back_when_asked_for() -> None:
    """With their text, objects too."""
    asked = request(documents=["a", {"text": "b"}, "c", "d"], return_documents=True, top_n=4)
    assert [one.text for one in ranked(asked, Embeddings(VECTORS, 9)).results] == ["c", "a", "d", "b"]
    assert ranked(request(), Embeddings(VECTORS, 9)).results[0].text is None


def test_tokens_are_those_of_all_texts() -> None:
    """As the embedding model counts them."""
    assert ranked(request(), Embeddings(VECTORS, 9)).prompt_tokens == 9


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"query": ""}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": ["a", ""]}, "documents[1]"),
        ({"documents": ["a"] * (MOST_DOCUMENTS + 1)}, "documents"),
        ({"top_n": -1}, "top_n"),
    ],
)
def test_bad_requests_are_refused(members: dict[str, Any], param: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidRequest) as raised:
        texts(request(**members))
    assert raised.value.param == param


def test_it_is_said_how_it_is_done() -> None:
    """That it is emulated, and that of documents nothing but the text is read."""
    assert [str(note) for note in notes(request())] == ["rerank=emulated"]
    more = request(documents=[{"text": "a", "title": "t"}])
    assert [str(note) for note in notes(more)] == ["rerank=emulated", "documents=text_only"]
