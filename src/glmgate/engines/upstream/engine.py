"""One model of an upstream, asked with one credential: answers as deltas, failures as errors that routing can act on.

Slots, retries and failover are routing's; what is sent is `body`'s, and how answers are read is `chunks`'.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import msgspec

from glmgate.adaptation.profile import Profile
from glmgate.engines import vectors
from glmgate.engines.upstream import body, failures, whole
from glmgate.engines.upstream.answer import Reading
from glmgate.engines.upstream.chunks import ChunkReader
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.errors import GlmgateError, UnsupportedValue
from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, Reply, StreamedReply, Transport
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import Call, Deltas, Generation
from glmgate.wire.tokenizer import TokenizerRequest

_OK: Final = 200
_MOST_ERROR_BYTES: Final = 1 << 20
_MOST_ANSWER_BYTES: Final = 64 << 20
_MOST_VECTORS_BYTES: Final = 256 << 20
# After the answer's end, for usage and `[DONE]`: some never close the connection.
_AFTER_END_S: Final = 2.0


class _CountedUsage(msgspec.Struct, frozen=True):
    total_tokens: int | None = None
    prompt_tokens: int | None = None


class _Counted(msgspec.Struct, frozen=True):
    """The answer of either way to count."""

    usage: _CountedUsage = _CountedUsage()
    count: int | None = None

    @property
    def tokens(self) -> int:
        """The number. ValueError when there is none."""
        found = (self.count, self.usage.total_tokens, self.usage.prompt_tokens)
        for number in found:
            if number is not None:
                return number
        raise ValueError("no number of tokens")


_COUNTED: Final = msgspec.json.Decoder(_Counted)


class UpstreamEngine:
    """Implements `wire.engine.Engine`. `model` is the upstream's name for the model; `clock` gives Unix time.

    Failures before the first delta are raised on entry, those after it where the deltas are read. Leaving closes the
    connection at once.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        model: str,
        secret: Secret | None,
        transport: Transport,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._upstream = upstream
        self._model = model
        self._secret = secret
        self._transport = transport
        self._clock = clock
        self._profile: Profile = upstream.profile.for_family(model)
        # A whole answer begins when it is finished, so only the time for all of it is a bound.
        timeouts = upstream.timeouts
        self._for_whole = replace(timeouts, first_s=timeouts.total_s or timeouts.first_s)

    @asynccontextmanager
    async def stream(self, call: Call, request: Generation) -> AsyncIterator[Deltas]:
        """Answer with deltas. The upstream is asked for what the caller asked for, a stream or a whole answer."""
        data = body.generation(call, request, model=self._model, profile=self._profile)
        reading = Reading(
            profile=self._profile,
            may_be_empty=_may_be_empty(request),
            is_judged=_is_judged(request),
            now=self._clock,
            secret=self._secret,
        )
        if not request.stream:
            url = self._upstream.url(body.path(request))
            reply = await self._asked(call, url, data, _MOST_ANSWER_BYTES)
            yield _once(whole.read(reply.body, reading))
            return
        outgoing = Outgoing(
            url=self._upstream.url(body.path(request)),
            headers=body.headers(call, self._secret, streamed=True),
            body=data,
            timeouts=self._upstream.timeouts,
        )
        async with self._opened(outgoing) as streamed:
            yield _deltas(streamed, ChunkReader(reading))

    async def embed(self, call: Call, request: EmbeddingsRequest) -> Embeddings:
        """Embed each input in one call, in the dimensions that the upstream gives."""
        data = body.embeddings(request, model=self._model, profile=self._profile)
        reply = await self._asked(call, self._upstream.url("/embeddings"), data, _MOST_VECTORS_BYTES)
        inputs = 1 if isinstance(request.input, str) else len(request.input)
        try:
            return vectors.read(reply.body, inputs=inputs)
        except (msgspec.MsgspecError, ValueError) as exc:
            raise self._no_answer(reply) from exc

    async def count(self, call: Call, request: TokenizerRequest) -> int:
        """The prompt tokens, counted by the upstream. Raises UnsupportedValue where it does not count."""
        way = self._profile.tokenizer
        if way == "none":
            raise UnsupportedValue("The service that answers for this model does not count tokens.", param="model")
        url = self._upstream.url("/tokenizer") if way == "tokenizer" else self._upstream.root_url("/tokenize")
        reply = await self._asked(call, url, body.count(request, model=self._model), _MOST_ANSWER_BYTES)
        try:
            return _COUNTED.decode(reply.body).tokens
        except (msgspec.MsgspecError, ValueError) as exc:
            raise self._no_answer(reply) from exc

    @asynccontextmanager
    async def _opened(self, outgoing: Outgoing) -> AsyncIterator[StreamedReply]:
        """A reply with a good status. Raises what any other means."""
        try:
            async with self._transport.stream(outgoing) as reply:
                if reply.status != _OK:
                    raise self._failure(Reply(reply.status, reply.headers, await reply.whole(_MOST_ERROR_BYTES)))
                yield reply
        except TransportError as exc:
            raise failures.broken(exc) from exc

    async def _asked(self, call: Call, url: str, data: bytes, max_bytes: int) -> Reply:
        """The whole reply. Raises what a status that is not good means."""
        outgoing = Outgoing(
            url=url,
            headers=body.headers(call, self._secret),
            body=data,
            timeouts=self._for_whole,
        )
        async with self._opened(outgoing) as reply:
            return Reply(reply.status, reply.headers, await reply.whole(max_bytes))

    def _failure(self, reply: Reply) -> GlmgateError:
        return failures.failure(
            self._profile, reply.status, reply.headers, reply.body, now=self._clock(), secret=self._secret
        )

    def _no_answer(self, reply: Reply) -> GlmgateError:
        """What a reply with a good status means whose body is not what was asked for."""
        return whole.no_answer(reply.body, Reading(profile=self._profile, now=self._clock, secret=self._secret))


async def _once(deltas: tuple[Delta, ...]) -> Deltas:
    yield deltas


async def _deltas(reply: StreamedReply, reader: ChunkReader) -> Deltas:
    """Read by read. A connection that breaks after the answer's end has brought all of it."""
    pieces = reply.pieces()
    try:
        while piece := await _next(pieces, reader):
            if deltas := reader.feed(piece):
                yield deltas
    except TransportError as exc:
        if not reader.has_finished:
            raise failures.broken(exc) from exc
    if deltas := reader.close():
        yield deltas


async def _next(pieces: AsyncIterator[bytes], reader: ChunkReader) -> bytes:
    """The next piece; empty at the end, and when nothing more comes after the answer's end."""
    if not reader.has_finished:
        return await anext(pieces, b"")
    try:
        async with asyncio.timeout(_AFTER_END_S):
            return await anext(pieces, b"")
    except TimeoutError:
        return b""


def _is_judged(request: Generation) -> bool:
    """Whether a call or a form was asked for: then the adaptation looks at the answer."""
    if not isinstance(request, ChatRequest):
        return False
    form = request.response_format
    return request.tool_choice not in (None, "auto", "none") or (form is not None and form.type != "text")


def _may_be_empty(request: Generation) -> bool:
    """Whether an answer without a word is to be told: a stop string may come first, a text may go on with nothing.

    And where a call or a form was asked for, whoever asked looks at the answer, and asks again in other words.
    """
    if not isinstance(request, ChatRequest) or request.stop:
        return True
    return request.tool_choice not in (None, "auto", "none") or request.response_format is not None
