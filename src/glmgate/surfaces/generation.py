"""Generated text on its way out: plain or streamed, for chat and for text completions alike.

How chunks and bodies look is `wire.answers`; what is generated is the gateway's.
"""

from __future__ import annotations

from dataclasses import dataclass

from glmgate.surfaces.events import EventStream
from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.reply import Reply, call_headers
from glmgate.surfaces.whole_calls import WholeCalls
from glmgate.wire.answers import ChunkWriter, Head, plain
from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Call, Generation, Surface
from glmgate.wire.fold import Fold


@dataclass(frozen=True, slots=True)
class _Job:
    """A generation to be answered, and what its answer repeats."""

    exchange: Exchange
    call: Call
    body: Generation
    id: str

    def head(self, model: str) -> Head:
        """The answer's head, once it is known who speaks."""
        body = self.body
        return Head(
            surface=self.call.surface,
            id=self.id,
            created=self.exchange.request.created,
            model=model,
            include_usage=body.stream_options is not None and body.stream_options.include_usage is True,
            legacy_call=wants_legacy_call(body),
            text=not isinstance(body, ChatRequest),
        )


async def answer(exchange: Exchange, body: Generation) -> None:
    """Have `body` answered by the gateway and send the answer."""
    own_id = exchange.answer_id(body)
    job = _Job(exchange, exchange.call(body.glmgate), body, _dialect_id(own_id, body, exchange.request.place.surface))
    await (_stream(job) if body.stream else _whole(job))


async def _whole(job: _Job) -> None:
    fold = Fold()
    async with job.exchange.connected(), job.exchange.gateway.generate(job.call, job.body) as answering:
        head = job.head(answering.model)
        async for deltas in answering.deltas:
            for delta in deltas:
                fold.feed(delta)
    notes = job.call.notes
    await job.exchange.reply(Reply(plain(head, fold.result(), notes), headers=tuple(call_headers(job.call))))


async def _stream(job: _Job) -> None:
    """One write for each batch of deltas; the end is sent when nothing is left that a lost client could stop."""
    exchange = job.exchange
    calls = WholeCalls() if wants_whole_calls(job.body, job.call.surface) else None
    events = EventStream(
        exchange.request,
        exchange.send,
        comment_after_s=exchange.services.settings.comment_after_s,
        extra_headers=lambda: call_headers(job.call),
    )
    async with exchange.connected(), events, exchange.gateway.generate(job.call, job.body) as answering:
        writer = ChunkWriter(job.head(answering.model), choices=job.body.n or 1)
        async for deltas in answering.deltas:
            await events.write(writer.write(deltas if calls is None else calls.feed(deltas)))
    await events.end(writer.finish(job.call.notes))


def wants_whole_calls(body: Generation, surface: Surface) -> bool:
    """Whether each tool call is to arrive in one chunk: GLM's default, never OpenAI's (contract 3.1, `tool_stream`)."""
    if not isinstance(body, ChatRequest):
        return False
    return surface == "zai" if body.tool_stream is None else not body.tool_stream


def wants_legacy_call(body: Generation) -> bool:
    """Whether the caller speaks the older `functions` (contract C7)."""
    return isinstance(body, ChatRequest) and body.functions is not None and body.tools is None


def _dialect_id(own_id: str, body: Generation, surface: Surface) -> str:
    """GLM's answers are named by the request's id, OpenAI's with a prefix that some clients look at."""
    if surface == "zai":
        return own_id
    return f"{'chatcmpl' if isinstance(body, ChatRequest) else 'cmpl'}-{own_id}"
