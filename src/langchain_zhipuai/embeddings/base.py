"""Vectors of texts, in requests as large as the service takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from langchain_core.embeddings import Embeddings
from pydantic import Field

from langchain_zhipuai.client import Account, body_of_answer

MOST_INPUTS: Final = 64
"""BigModel refuses more texts in one request (contract 4.1)."""


class ZhipuAIEmbeddings(Account, Embeddings):
    """Embeddings of GLM: `embedding-3` with 2,048 numbers or as many as `dimensions` says, `embedding-2` with 1,024."""

    model: str = "embedding-2"
    """The name of the model."""
    dimensions: int | None = Field(default=None, ge=1)
    """How many numbers a vector has; None: the model's own."""
    chunk_size: int = Field(default=1000, ge=1)
    """The most texts of a request; never more than the 64 that the service takes."""
    show_progress_bar: bool = False
    """Show a bar while documents are embedded; needs `tqdm`."""

    def embed_documents(self, texts: list[str], chunk_size: int | None = None) -> list[list[float]]:
        """The vector of each text, in their order."""
        found: list[list[float]] = []
        for batch in self._shown(batches(texts, chunk_size or self.chunk_size)):
            answer = self._openai.post("/embeddings", cast_to=dict[str, Any], body=self._body(batch))
            found += vectors_of(body_of_answer(answer), len(batch))
        return found

    def embed_query(self, text: str) -> list[float]:
        """The vector of a text."""
        return self.embed_documents([text])[0]

    async def aembed_documents(self, texts: list[str], chunk_size: int | None = None) -> list[list[float]]:
        """The vector of each text, in their order, without blocking."""
        found: list[list[float]] = []
        for batch in self._shown(batches(texts, chunk_size or self.chunk_size)):
            answer = await self._async_openai.post("/embeddings", cast_to=dict[str, Any], body=self._body(batch))
            found += vectors_of(body_of_answer(answer), len(batch))
        return found

    async def aembed_query(self, text: str) -> list[float]:
        """The vector of a text, without blocking."""
        return (await self.aembed_documents([text]))[0]

    def _body(self, texts: list[str]) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        return body | self.model_kwargs

    def _shown(self, parts: list[list[str]]) -> Iterator[list[str]]:
        if not self.show_progress_bar:
            return iter(parts)
        try:
            bar = import_module("tqdm.auto").tqdm  # only who asks for a bar needs it
        except ModuleNotFoundError as missing:
            raise ImportError("show_progress_bar needs tqdm: pip install tqdm") from missing
        return iter(bar(parts))


def batches(texts: list[str] | str, size: int) -> list[list[str]]:
    """The texts in parts that a request may have. Raises TypeError for a single one."""
    if isinstance(texts, str):
        raise TypeError(f"embed_documents takes a list of texts, not {texts!r:.60}; embed_query takes one text.")
    size = min(size, MOST_INPUTS)
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def vectors_of(answer: Mapping[str, Any], wanted: int) -> list[list[float]]:
    """The vectors of an answer, in the order of their inputs. Raises ValueError unless there is one for each."""
    data = sorted(answer.get("data") or (), key=lambda each: each["index"])
    if [each["index"] for each in data] != list(range(wanted)):
        raise ValueError(f"The service sent {len(data)} vectors for {wanted} texts, or not one for each.")
    return [[float(number) for number in each["embedding"]] for each in data]
