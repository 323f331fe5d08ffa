"""A gateway for the tests of the surfaces: it answers by script and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from glmgate.errors import AuthenticationFailed, GlmgateError, ModelNotFound
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import CacheUse, Call, Caller, Deltas, Generation, Note
from glmgate.wire.headroom import Headroom
from glmgate.wire.rerank import Ranked, Ranking, RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

KEY = "an-id.a-secret"
USAGE = Usage(prompt=5, completion=2)
Step = tuple[Delta, ...] | float | BaseException | Note
"""Deltas of one read, seconds of silence, an error, or a change that is only known now."""
WORDS: tuple[Delta, ...] = (Delta(content="Hello"), Delta(content=" there"))
HELLO: tuple[Step, ...] = (
    (Delta(reasoning="hm"),),
    WORDS,
    (Delta(finish_reason="stop", usage=USAGE),),
)


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    """An answer under way."""

    model: str
    deltas: Deltas


@dataclass(frozen=True, slots=True)
class FakeEmbedded:
    """Vectors, and who made them."""

    model: str
    embeddings: Embeddings


@dataclass(frozen=True, slots=True)
class FakeReranked:
    """An order, and who made it."""

    model: str
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class FakeCard:
    """A model card."""

    id: str
    created: int = 1_700_000_000
    owned_by: str = "glmgate"
    kind: str = "chat"
    context_length: int | None = 4096
    answered_by: str | None = None


@dataclass(slots=True)
class FakeGateway:
    """`script` is what each generation does; `refusal` is raised before its first delta; `played` counts steps."""

    script: Iterable[Step] = HELLO
    refusal: GlmgateError | Exception | None = None
    first_note: Note | None = None
    cache_use: CacheUse | None = None
    calls: list[Call] = field(default_factory=list)
    requests: list[Generation | EmbeddingsRequest | RerankRequest | TokenizerRequest] = field(default_factory=list)
    running: int = 0
    cancelled: int = 0
    played: int = 0
    asks_for_keys: bool = True
    headroom: Headroom | None = None
    clients: list[str | None] = field(default_factory=list)

    async def identify(self, authorization: str | None, *, client: str | None, admin: bool = False) -> Caller:
        """Only one key is known, or anybody may come; `clients` are the addresses that they came from."""
        self.clients.append(client)
        if not self.asks_for_keys:
            return Caller(key_id="anyone")
        if authorization is None:
            raise AuthenticationFailed("No key was given.", zai_code="1001")
        if authorization != f"Bearer {KEY}":
            raise AuthenticationFailed("The key is not known.", zai_code="1002")
        return Caller(key_id="an-id")

    @asynccontextmanager
    async def generate(self, call: Call, request: Generation) -> AsyncIterator[FakeAnswer]:
        """Play the script; count what is cut off."""
        self._asked(call, request)
        self.running += 1
        try:
            yield FakeAnswer("glm-fake", self._play(call))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def embed(self, call: Call, request: EmbeddingsRequest) -> FakeEmbedded:
        """The same vector for every input."""
        self._asked(call, request)
        count = 1 if isinstance(request.input, str) else len(request.input)
        return FakeEmbedded("embedding-fake", Embeddings(((0.5, -1.0),) * count, prompt_tokens=3))

    async def rerank(self, call: Call, request: RerankRequest) -> FakeReranked:
        """The last document first, with its text where that is asked for."""
        self._asked(call, request)
        last = request.documents[-1]
        text = (last if isinstance(last, str) else last.text) if request.return_documents else None
        return FakeReranked("embedding-fake", Ranking((Ranked(len(request.documents) - 1, 0.5, text),), 7))

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """A token for each message."""
        self._asked(call, request)
        return len(request.messages)

    def cards(self, caller: Caller) -> tuple[FakeCard, ...]:
        """One model."""
        return (FakeCard("glm-fake"),)

    def card(self, caller: Caller, name: str) -> FakeCard:
        """The model and its stand-ins, one with a slash in its name."""
        cards = {"glm-fake": None, "gpt-4o": "glm-fake", "zai-org/glm-4.6": "glm-fake"}
        if name not in cards:
            raise ModelNotFound(f"No model {name!r}.", param="model")
        return FakeCard(name, answered_by=cards[name])

    def _asked(self, call: Call, request: Generation | EmbeddingsRequest | RerankRequest | TokenizerRequest) -> None:
        self.calls.append(call)
        self.requests.append(request)
        call.cache_use = self.cache_use
        call.headroom = self.headroom
        if self.first_note is not None:
            call.note(self.first_note)
        if self.refusal is not None:
            raise self.refusal

    async def _play(self, call: Call) -> Deltas:
        for step in self.script:
            self.played += 1
            match step:
                case tuple():
                    yield step
                case BaseException():
                    raise step
                case Note():
                    call.note(step)
                case _:
                    await asyncio.sleep(step)
