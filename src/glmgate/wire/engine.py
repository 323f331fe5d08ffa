"""The contract between what asks and what answers: `Engine`, and the `Call` that goes with each request.

Everything between the gateway and a model (retry, adaptation, fan-out, the model's child process) is an Engine.
What an attempt costs is put down in the call's `Books`, before it is made and when it is over.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Final, Literal, Protocol

from typing_extensions import override

from glmgate.wire.charge import ONE_CALL, Charge, Units
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.headroom import Headroom
from glmgate.wire.terms import Scope
from glmgate.wire.tokenizer import TokenizerRequest

Surface = Literal["zai", "openai"]
Endpoint = Literal["chat", "completions", "embeddings", "rerank", "tokenizer"]
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


@dataclass(frozen=True)
class Caller:
    """Who asks: the key and what it belongs to. `scopes` are the terms that hold for it, the widest first."""

    key_id: str
    organisation: str = "default"
    project: str = "default"
    scopes: tuple[Scope, ...] = ()
    admin: bool = False

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Those of all its terms, each once."""
        return tuple(dict.fromkeys(tag for scope in self.scopes for tag in scope.terms.tags))


Outcome = Literal["ok", "refused", "failed_before", "failed_after", "truncated", "timed_out", "cancelled"]
"""How an attempt ended. "Before" and "after" mean: before or after the first delta."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a deployment for a request. `outcome` is one word; `credential` is its place in the list, not it."""

    deployment: str
    credential: int
    outcome: Outcome
    seconds: float
    usage: Usage | None = None
    error_code: str | None = None


CacheUse = Literal["hit", "miss", "shared"]
"""What the answer cost: `hit` came from the cache, `shared` from another request's call that was in flight."""


FilterAction = Literal["mask", "refuse", "failed_open", "failed_closed", "missing"]
"""What came of a filter: it masked or refused something, could not be asked (and let pass, or not), or is not there."""


@dataclass(frozen=True, slots=True)
class FilterUse:
    """A filter that had something to do: its name, where it looked, and what it did. Never what it found."""

    filter: str
    direction: Literal["input", "output"]
    action: FilterAction


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attempt goes: a deployment, by one credential (its place in the list).

    `upstream` is empty for an engine of our own; `model` is its name there.
    """

    deployment: str
    upstream: str
    model: str
    credential: int = 0


class Entry(Protocol):
    """One attempt in the books, from before it is made. However it is told to end, it is settled exactly once.

    `saw` and then one of the others; whatever comes after the first of those is not heard. None of them waits or fails.
    """

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """These deltas came."""
        ...

    def whole(self, usage: Usage | None, units: Units = ONE_CALL) -> None:
        """An answer without deltas came, and cost so much (None: the service did not say)."""
        ...

    def ended(self) -> None:
        """The deltas have come to their end."""
        ...

    def failed(self, error: BaseException) -> None:
        """The attempt was stopped by `error`; being cancelled is one way of being stopped."""
        ...

    def left(self) -> None:
        """The reader left."""
        ...


class Books(Protocol):
    """Where attempts are put down."""

    async def reserve(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> Entry:
        """Put down that `request` is about to be sent to `place`, and what it may cost at most.

        Nothing may be sent before this has returned. Raises QuotaExhausted where a budget does not allow it, and
        Unavailable where it cannot be put down; neither says anything about the deployment.
        """
        ...


class Spending(Protocol):
    """What a request may spend: the budgets of those who ask. The books tell it of each attempt."""

    async def attempt(
        self, call: Call, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge
    ) -> None:
        """Reserve `estimate`, as far as the request has not reserved it yet. Raises QuotaExhausted.

        Told before anything is put down. Each one that returned is followed by one `settled`.
        """
        ...

    def settled(self, call: Call, estimate: Charge, charge: Charge) -> None:
        """An attempt that `estimate` was reserved for has cost `charge`. Never fails.

        A call that several requests share may be settled when the request that began it has ended.
        """
        ...


class NullEntry:
    """Puts nothing down."""

    def saw(self, deltas: tuple[Delta, ...]) -> None:
        """Do nothing."""

    def whole(self, usage: Usage | None, units: Units = ONE_CALL) -> None:
        """Do nothing."""

    def ended(self) -> None:
        """Do nothing."""

    def failed(self, error: BaseException) -> None:
        """Do nothing."""

    def left(self) -> None:
        """Do nothing."""


class NullBooks:
    """Books that are not kept."""

    async def reserve(self, call: Call, place: Place, request: Generation | EmbeddingsRequest) -> Entry:  # noqa: ARG002
        """Put nothing down."""
        return _NULL_ENTRY


class NullSpending:
    """No budget bounds it."""

    async def attempt(
        self, call: Call, place: Place, request: Generation | EmbeddingsRequest, estimate: Charge
    ) -> None:
        """Allow it."""

    def settled(self, call: Call, estimate: Charge, charge: Charge) -> None:
        """Do nothing."""


_NULL_ENTRY: Final = NullEntry()
NULL_BOOKS: Final = NullBooks()
NULL_SPENDING: Final = NullSpending()


def new_uid() -> str:
    """An id that no other request has."""
    return secrets.token_hex(16)


@dataclass(slots=True)
class Call:
    """What goes with a request on its way: who asks, how it is named, what may be changed, and what was.

    `request_id` may be the client's and come again; `uid` is ours and does not. `model` is the name that was asked for.

    What is found out on the way stands in the last members: who really answers (`answered_by`: the model's name, None
    as long as it is not known), every call to a deployment, what each attempt in the books has cost, what the cache
    had, what is left of the limits and which budgets that only warn are spent, how often it was asked for each key,
    so that the second of several choices is not given the first one's answer, how often each filter did what,
    which members were `obeyed` before any deployment was asked, and whether the answer's limit is only what budgets
    have left (`is_left`), so that nobody thinks it that long.

    `judging`: with this call a filter asks somebody about the request; what it costs is the request's.
    """

    request_id: str
    caller: Caller
    surface: Surface
    strict: bool = False
    traceparent: str | None = None
    tracestate: str | None = None
    notes: list[Note] = field(default_factory=list)
    session_id: str | None = None
    cache: bool | None = None
    remember: bool | None = None
    uid: str = field(default_factory=new_uid)
    endpoint: Endpoint = "chat"
    model: str = ""
    books: Books = NULL_BOOKS
    spending: Spending = NULL_SPENDING
    answered_by: str | None = None
    deployment: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    cache_use: CacheUse | None = None
    headroom: Headroom | None = None
    overruns: list[str] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    filtered: dict[FilterUse, int] = field(default_factory=dict)
    obeyed: frozenset[str] = frozenset()
    is_left: bool = False
    numbers: Iterator[int] = field(default_factory=count)
    judging: bool = False
    judgements: Iterator[int] = field(default_factory=count)

    def note(self, note: Note) -> None:
        """Put a change into the report, once."""
        if note not in self.notes:
            self.notes.append(note)

    def unsaid(self, notes: Iterable[Note]) -> tuple[Note, ...]:
        """Those of `notes` that are still true: a member that was obeyed before is not lost where it is left out."""
        return tuple(note for note in notes if note.change != "omitted" or note.field not in self.obeyed)

    def entry_id(self) -> str:
        """The id of the next attempt in the books; no other attempt of any request has it.

        That of the first one at a deployment ends with `.0`, whoever was asked about the request before.
        """
        return f"{self.uid}.h{next(self.judgements)}" if self.judging else f"{self.uid}.{next(self.numbers)}"


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
