"""What the surfaces need from the rest of the server, as Protocols and small values.

`gateway.Gateway` fulfils the first; the application hands over the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, Deltas, Generation
from glmgate.wire.rerank import Ranking, RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest


class Answer(Protocol):
    """A running answer: who speaks, and the deltas."""

    @property
    def model(self) -> str:
        """The name of the model that really answers."""
        ...

    @property
    def deltas(self) -> Deltas:
        """What each read brings."""
        ...


class Embedded(Protocol):
    """Vectors, and the model that made them."""

    @property
    def model(self) -> str:
        """The name of the model that really answers."""
        ...

    @property
    def embeddings(self) -> Embeddings:
        """The vectors."""
        ...


class Reranked(Protocol):
    """Documents in their order, and the model that put them in it."""

    @property
    def model(self) -> str:
        """The name of the model that really answers."""
        ...

    @property
    def ranking(self) -> Ranking:
        """The order."""
        ...


class ModelCard(Protocol):
    """What is told of a model. `answered_by` is set when the name is a stand-in for another model."""

    @property
    def id(self) -> str:
        """The name that was asked for."""
        ...

    @property
    def created(self) -> int:
        """Seconds since the epoch."""
        ...

    @property
    def owned_by(self) -> str:
        """Who made it."""
        ...

    @property
    def kind(self) -> str:
        """`chat` or `embedding`."""
        ...

    @property
    def context_length(self) -> int | None:
        """In tokens, where it is known."""
        ...

    @property
    def answered_by(self) -> str | None:
        """The model that answers in its place."""
        ...


class Gateway(Protocol):
    """The life of a request. Each method may raise any GlmgateError."""

    async def identify(self, authorization: str | None, *, client: str | None, admin: bool = False) -> Caller:
        """Who the credential stands for. Raises AuthenticationFailed, or PermissionRefused where it is not for that."""
        ...

    def generate(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Answer]:
        """Answer with deltas; leaving the context ends the work at once."""
        ...

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embedded:
        """Embed each input."""
        ...

    async def rerank(self, call: Call, request: RerankRequest) -> Reranked:
        """Sort documents by what they say to a query."""
        ...

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The number of prompt tokens."""
        ...

    def cards(self, caller: Caller) -> Sequence[ModelCard]:
        """The models that really answer, those that the caller may ask for."""
        ...

    def card(self, caller: Caller, name: str) -> ModelCard:
        """One model or stand-in. Raises ModelNotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests can be answered now, and the state of the engines for whoever asks why."""

    ready: bool
    engines: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exposition:
    """Metrics in a text format; the content type names which."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Operations:
    """What the paths for operators show, asked anew at each request."""

    readiness: Callable[[], Readiness]
    exposition: Callable[[], Exposition]
    now: Callable[[], Mapping[str, Any]] = dict
