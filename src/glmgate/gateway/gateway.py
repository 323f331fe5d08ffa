"""The gateway: what happens to a request between the surface that read it and the deployment that answers it.

It decides nothing about HTTP or SQL; who the caller is comes from `identify`, who answers from the catalogue.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from glmgate.adaptation import reranking
from glmgate.gateway.admit import NULL_ADMISSION, Admission, NullAdmission
from glmgate.gateway.filtering import NO_FILTERS, Filters
from glmgate.gateway.watch import Watch, WatchedDeltas
from glmgate.policy import access
from glmgate.routing.catalogue import Catalogue, ModelCard, Resolution, Work
from glmgate.telemetry.flight import Asked
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
    attempts cost is put down in `books`; by `admission` it is let in.
    """

    def __init__(
        self,
        *,
        identify: Identify,
        catalogue: Catalogue,
        observer: Observer,
        clock: Callable[[], float],
        books: Books = NULL_BOOKS,
        admission: Admission | NullAdmission = NULL_ADMISSION,
        filters: Filters = NO_FILTERS,
    ) -> None:
        self._identify = identify
        self.catalogue = catalogue
        self._observer = observer
        self._clock = clock
        self._books = books
        self._admission = admission
        self.filters = filters

    async def identify(self, authorization: str | None, *, client: str | None, admin: bool = False) -> Caller:
        """Who asks, from the address `client`, for a model or (`admin`) for the administration.

        Raises AuthenticationFailed, and PermissionRefused where the key is not for that, or not for there.
        """
        caller = await self._identify(authorization)
        access.check_kind(caller, admin=admin)
        access.check_address(caller.scopes, client)
        return caller

    def cards(self, caller: Caller) -> tuple[ModelCard, ...]:
        """The models that really answer here, those that the caller may ask for."""
        return tuple(card for card in self.catalogue.cards() if access.may_ask(caller.scopes, card.id) is None)

    def card(self, caller: Caller, name: str) -> ModelCard:
        """The model of that name, a stand-in's included. Raises ModelNotFound."""
        card = self.catalogue.card(name)
        access.check_shown(caller.scopes, name, card.answered_by or name)
        return card

    @asynccontextmanager
    async def generate(self, call: Call, request: Generation) -> AsyncIterator[Answer]:
        """Answer with deltas. Leaving the context before their end stops the work at once."""
        endpoint: Endpoint = "chat" if isinstance(request, ChatRequest) else "completions"
        async with self._request(call, endpoint, request) as watch:
            filtering = self.filters.of(call, request)
            resolution = self._resolve(call, request.model, "chat", watch)
            # Let in first: what filters ask of models and services is paid for by the same budgets.
            admitted = await self._admission.generation(call, request, resolution.deployment.targets)
            request = await filtering.request(call, admitted)
            if call.charges or request is not admitted:
                request = self._admission.filtered(call, request)
            watch.flight.passes(request)
            async with resolution.deployment.engine.stream(call, request) as deltas:
                seen = filtering.answer(call, request, deltas)
                yield Answer(model=_speaker(call, resolution, watch), deltas=WatchedDeltas(seen, watch))

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embedded:
        """Embed each input."""
        async with self._request(call, "embeddings", request) as watch:
            resolution = self._resolve(call, request.model, "embedding", watch)
            await self._admission.embedding(call, request, resolution.deployment.targets)
            request = await self.filters.of(call, request).request(call, request)
            watch.flight.passes(request)
            embeddings = await resolution.deployment.engine.embed(call, request)
            model = _speaker(call, resolution, watch)
            watch.done(Usage(prompt=embeddings.prompt_tokens))
        return Embedded(model=model, embeddings=embeddings)

    async def rerank(self, call: Call, request: RerankRequest) -> Reranked:
        """Sort documents by what they say to a query, by their vectors."""
        async with self._request(call, "rerank", request) as watch:
            resolution = self._resolve(call, request.model, "rerank", watch)
            for note in reranking.notes(request):
                call.note(note)
            await self._admission.embedding(call, reranking.texts(request), resolution.deployment.targets)
            request = await self.filters.of(call, request).request(call, request)
            watch.flight.passes(request)
            embeddings = await resolution.deployment.engine.embed(call, reranking.texts(request))
            model = _speaker(call, resolution, watch)
            watch.done(Usage(prompt=embeddings.prompt_tokens))
        return Reranked(model=model, ranking=reranking.ranked(request, embeddings))

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The prompt tokens of the messages."""
        async with self._request(call, "tokenizer", request) as watch:
            resolution = self._resolve(call, request.model, "chat", watch)
            await self._admission.counting_tokens(call)
            request = await self.filters.of(call, request).request(call, request)
            watch.flight.passes(request)
            tokens = await resolution.deployment.engine.count(call, request)
            _speaker(call, resolution, watch)
            watch.done(Usage(prompt=tokens))
        return tokens

    def _resolve(self, call: Call, name: str, work: Work, watch: Watch) -> Resolution:
        resolution = self.catalogue.resolve(name, work)
        access.check_model(call.caller.scopes, name, resolution.deployment.name)
        watch.flight.deployment = resolution.deployment.label or resolution.deployment.name
        if resolution.note is not None:
            call.note(resolution.note)
        return resolution

    @asynccontextmanager
    async def _request(self, call: Call, endpoint: Endpoint, request: Asked) -> AsyncIterator[Watch]:
        """Everything between a request's begin and its one ending, whatever happens inside."""
        call.endpoint, call.model, call.books = endpoint, request.model, self._books
        watch = Watch(call, endpoint, request, self._clock)
        self._observer.began(watch.flight)
        try:
            yield watch
        except BaseException as exc:
            watch.stopped(exc)
            raise
        finally:
            self._observer.ended(watch.record())
            await self._admission.close(call)


def _speaker(call: Call, resolution: Resolution, watch: Watch) -> str:
    """The model that answers, now that it is known."""
    watch.flight.deployment = call.answered_by or resolution.deployment.name
    return watch.flight.deployment
