"""Reranking by the vectors of an embedding model, until there is a model that reranks (contract 4.2).

Query and documents are embedded in one request; who answers it is not known here.
"""

from __future__ import annotations

import math
from typing import Final

from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Note
from glmgate.wire.rerank import Ranked, Ranking, RerankRequest

# GLM takes 128; eight times that is some ten seconds of one core.
MOST_DOCUMENTS: Final = 1024
EMULATED: Final = Note("rerank", "emulated", exact=False)
TEXT_ONLY: Final = Note("documents", "text_only", exact=False)


def notes(request: RerankRequest) -> tuple[Note, ...]:
    """What is to be reported: how it is done, and that of a document only its text is read."""
    more = any(not isinstance(document, str) and document.unknown for document in request.documents)
    return (EMULATED, TEXT_ONLY) if more else (EMULATED,)


def texts(request: RerankRequest) -> EmbeddingsRequest:
    """The query and the documents, to be embedded. Raises InvalidRequest when there is nothing to rank, or too much."""
    documents = documents_of(request)
    if not request.query:
        raise MissingParameter("'query' is empty.", param="query")
    if not documents:
        raise MissingParameter("'documents' is empty. Send at least one.", param="documents")
    if len(documents) > MOST_DOCUMENTS:
        raise InvalidRequest(
            f"'documents' has {len(documents)} items, at most {MOST_DOCUMENTS} are accepted.", param="documents"
        )
    for place, text in enumerate(documents):
        if not text:
            raise InvalidRequest(f"'documents[{place}]' is empty.", param=f"documents[{place}]")
    if request.top_n is not None and request.top_n < 0:
        raise InvalidRequest(f"'top_n' is {request.top_n}, but must be 0 (all) or more.", param="top_n")
    return EmbeddingsRequest(
        model=request.model,
        input=[request.query, *documents],
        user=request.user,
        user_id=request.user_id,
        request_id=request.request_id,
        glmgate=request.glmgate,
        unknown=request.unknown,
    )


def ranked(request: RerankRequest, embeddings: Embeddings) -> Ranking:
    """The documents in their order, by the vectors that were asked for by `texts`; equal ones as they came.

    A score is the cosine, with what points away from the query at 0; a raw one is the cosine itself, -1 to 1.
    """
    query, *vectors = embeddings.vectors
    cosines = [_cosine(query, vector) for vector in vectors]
    order = sorted(range(len(cosines)), key=lambda index: -cosines[index])
    documents = documents_of(request) if request.return_documents else None
    results = tuple(
        Ranked(
            index=index,
            score=cosines[index] if request.return_raw_scores else max(0.0, cosines[index]),
            text=None if documents is None else documents[index],
        )
        for index in order[: request.top_n or None]
    )
    return Ranking(results, embeddings.prompt_tokens)


def documents_of(request: RerankRequest) -> list[str]:
    """The documents' texts."""
    return [document if isinstance(document, str) else document.text for document in request.documents]


def _cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Between -1 and 1; 0 for a vector of zeros. Rounded: the engine's own sums are good to six digits."""
    lengths = math.hypot(*one) * math.hypot(*other)
    if not lengths:
        return 0.0
    inner = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return round(max(-1.0, min(1.0, inner / lengths)), 6)
