"""Reranking: request and answer (contract 4.2; on `/v1` the form that Jina, Cohere and vLLM have in common).

How scores are made is not decided here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.wire.chat import GlmgateOptions
from glmgate.wire.engine import Surface
from glmgate.wire.members import Members


class RerankDocument(Members):
    """A document in an object, as the common form allows."""

    text: str


class RerankRequest(Members):
    """Documents to sort by a query. A `top_n` of 0 (or none) means all."""

    model: str
    query: str
    documents: list[str | RerankDocument]
    top_n: int | None = None
    return_documents: bool | None = None
    return_raw_scores: bool | None = None
    request_id: str | None = None
    user: str | None = None
    user_id: str | None = None
    glmgate: GlmgateOptions | None = None


class Ranked(msgspec.Struct, frozen=True):
    """One document: its place in the request, its score, and its text where that was asked for."""

    index: int
    score: float
    text: str | None = None


class Ranking(msgspec.Struct, frozen=True):
    """The documents, the best first, and the tokens that were read."""

    results: tuple[Ranked, ...]
    prompt_tokens: int


def encode(ranking: Ranking, *, model: str, surface: Surface) -> dict[str, Any]:
    """The answer's body without its ids. GLM's form has a document as a text, the common one as an object."""
    usage = {"prompt_tokens": ranking.prompt_tokens, "total_tokens": ranking.prompt_tokens}
    return {"model": model, "results": [_result(one, surface) for one in ranking.results], "usage": usage}


def _result(ranked: Ranked, surface: Surface) -> dict[str, Any]:
    result: dict[str, Any] = {"index": ranked.index, "relevance_score": ranked.score}
    if ranked.text is not None:
        result["document"] = ranked.text if surface == "zai" else {"text": ranked.text}
    return result
