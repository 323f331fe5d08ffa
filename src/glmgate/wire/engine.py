"""The contract between what asks and what answers: `Engine`, and the `Call` that goes with each request.

Everything between the gateway and a model (retry, adaptation, fan-out, the model's child process) is an Engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from typing_extensions import override

from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.terms import Scope
from glmgate.wire.tokenizer import TokenizerRequest

Surface = Literal["zai", "openai"]
Generation = ChatRequest | CompletionRequest
"""A request whose answer is generated text."""

Deltas = AsyncIterator[tuple[Delta, ...]]
"""What one read brought, read by read."""


@dataclass(frozen=True, slots=True)
class Note:
    """One change that was made to a request, for the report.

    `field` is the field's path; `change` an enum word (`emulated`, `omitted`) or `before->after` in numbers and enum
    words. Neither ever holds a caller's text. `exact` is False when the answer may differ from what was asked for: such
    a change is refused when the call is strict.
    """

    field: str
    change: str
    exact: bool = True

    @override
    def __str__(self) -> str:
        return f"{self.field}={self.change}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the key and what it belongs to. `scopes` are the terms that hold for it, the widest first."""

    key_id: str
    organisation: str = "default"
    project: str = "default"
    scopes: tuple[Scope, ...] = ()
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a deployment for a request. `outcome` is one word; `credential` is its place in the list, not it."""

    deployment: str
    credential: int
    outcome: Literal["ok", "refused", "failed_before", "failed_after", "truncated", "cancelled"]
    seconds: float
    usage: Usage | None = None
    error_code: str | None = None


CacheUse = Literal["hit", "miss", "shared"]
"""What the answer cost: `hit` came from the cache, `shared` from another request's call that was in flight."""


@dataclass(slots=True)
class Call:
    """What goes with a request on its way: who asks, how it is named, what may be changed, and what was.

    What is found out on the way stands in the last members: who really answers (`answered_by`: the model's name, None
    as long as it is not known), every call to a deployment, what the cache had, and how often it was asked for each
    key, so that the second of several choices is not given the first one's answer.
    """

    request_id: str
    caller: Caller
    surface: Surface
    strict: bool = False
    traceparent: str | None = None
    notes: list[Note] = field(default_factory=list)
    session_id: str | None = None
    cache: bool | None = None
    remember: bool | None = None
    answered_by: str | None = None
    deployment: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    cache_use: CacheUse | None = None
    asked: dict[str, int] = field(default_factory=dict)

    def note(self, note: Note) -> None:
        """Put a change into the report, once."""
        if note not in self.notes:
            self.notes.append(note)


class Engine(Protocol):
    """Something that answers. Each method may raise any GlmgateError; before the first delta it has its own status."""

    def stream(self, call: Call, request: Generation) -> AbstractAsyncContextManager[Deltas]:
        """Answer with deltas. Leaving the context closes everything inside at once, wherever the answer stands.

        Every choice ends with exactly one delta that has a finish reason; an answer that cannot be finished raises.
        """
        ...

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input."""
        ...

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The number of prompt tokens that the request's messages and tools make."""
        ...
