"""The gateway: what happens to a request between the surface that read it and the deployment that answers it.

It decides nothing about HTTP or SQL; who the caller is comes from `identify`, who answers from the catalogue.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from glmgate.adaptation import reranking
from glmgate.gateway.filtering import NO_FILTERS, Filters
from glmgate.gateway.watch import Watch, WatchedDeltas
from glmgate.routing.catalogue import Catalogue, ModelCard, Resolution, Work
from glmgate.telemetry.record import Observer
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import NULL_BOOKS, Books, Call, Caller, Deltas, Endpoint, Generation
from glmgate.wire.rerank import Ranking, RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

Identify = Callable[[str | None], Awaitable[Caller]]
"""From an `Authorization` header to who asks; raises AuthenticationFailed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under way: who gives it, and its deltas."""

    model: str
    deltas: Deltas


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors, and the model that made them."""

    model: str
    embeddings: Embeddings


@dataclass(frozen=True, slots=True)
class Reranked:
    """Documents in their order, and the model whose vectors made it."""

    model: str
    ranking: Ranking


class Gateway:
    """One request's life. Every public method but the look-ups belongs to exactly one request.

    `catalogue` and `filters` may be replaced at any time: a request keeps what it found at its beginning. What its
    attempts cost is put down in `books`.
    """

    def __init__(
        self,
        *,
        identify: Identify,
        catalogue: Catalogue,
        observer: Observer,
        clock: Callable[[], float],
        books: Books = NULL_BOOKS,
        filters: Filters = NO_FILTERS,
    ) -> None:
        self._identify = identify
        self.catalogue = catalogue
        self._observer = observer
        self._clock = clock
        self._books = books
        self.filters = filters

    async def identify(self, authorization: str | None) -> Caller:
        """Who asks. Raises AuthenticationFailed."""
        return await self._identify(authorization)

    def cards(self) -> tuple[ModelCard, ...]:
        """The models that really answer here."""
        return self.catalogue.cards()

    def card(self, name: str) -> ModelCard:
        """The model of that name, a stand-in's included. Raises ModelNotFound."""
        return self.catalogue.card(name)

    @asynccontextmanager
    async def generate(self, call: Call, request: Generation) -> AsyncIterator[Answer]:
        """Answer with deltas. Leaving the context before their end stops the work at once."""
        endpoint: Endpoint = "chat" if isinstance(request, ChatRequest) else "completions"
        async with self._request(call, endpoint, request.model) as watch:
            filtering = self.filters.of(call, request)
            request = await filtering.request(call, request)
            resolution = self._resolve(call, request.model, "chat", watch)
            async with resolution.deployment.engine.stream(call, request) as deltas:
                seen = filtering.answer(call, request, deltas)
                yield Answer(model=_speaker(call, resolution, watch), deltas=WatchedDeltas(seen, watch))

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embedded:
        """Embed each input."""
        async with self._request(call, "embeddings", request.model) as watch:
            request = await self.filters.of(call, request).request(call, request)
            resolution = self._resolve(call, request.model, "embedding", watch)
            embeddings = await resolution.deployment.engine.embed(call, request)
            model = _speaker(call, resolution, watch)
            watch.done(Usage(prompt=embeddings.prompt_tokens))
        return Embedded(model=model, embeddings=embeddings)

    async def rerank(self, call: Call, request: RerankRequest) -> Reranked:
        """Sort documents by what they say to a query, by their vectors."""
        async with self._request(call, "rerank", request.model) as watch:
            request = await self.filters.of(call, request).request(call, request)
            resolution = self._resolve(call, request.model, "rerank", watch)
            asked = reranking.texts(request)
            for note in reranking.notes(request):
                call.note(note)
            embeddings = await resolution.deployment.engine.embed(call, asked)
            model = _speaker(call, resolution, watch)
            watch.done(Usage(prompt=embeddings.prompt_tokens))
        return Reranked(model=model, ranking=reranking.ranked(request, embeddings))

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The prompt tokens of the messages."""
        async with self._request(call, "tokenizer", request.model) as watch:
            request = await self.filters.of(call, request).request(call, request)
            resolution = self._resolve(call, request.model, "chat", watch)
            tokens = await resolution.deployment.engine.count(call, request)
            _speaker(call, resolution, watch)
            watch.done(Usage(prompt=tokens))
        return tokens

    def _resolve(self, call: Call, name: str, work: Work, watch: Watch) -> Resolution:
        resolution = self.catalogue.resolve(name, work)
        watch.deployment = resolution.deployment.label or resolution.deployment.name
        if resolution.note is not None:
            call.note(resolution.note)
        return resolution

    @asynccontextmanager
    async def _request(self, call: Call, endpoint: Endpoint, model: str) -> AsyncIterator[Watch]:
        """Everything between a request's begin and its one ending, whatever happens inside."""
        call.endpoint, call.model, call.books = endpoint, model, self._books
        watch = Watch(call, endpoint, model, self._clock)
        self._observer.began()
        try:
            yield watch
        except BaseException as exc:
            watch.stopped(exc)
            raise
        finally:
            self._observer.ended(watch.record())


def _speaker(call: Call, resolution: Resolution, watch: Watch) -> str:
    """The model that answers, now that it is known."""
    watch.deployment = call.answered_by or resolution.deployment.name
    return watch.deployment
