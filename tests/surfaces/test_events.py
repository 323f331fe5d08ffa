"""Streams of events on their way out."""

from __future__ import annotations

import asyncio

import pytest

from glmgate.surfaces.asgi import Message
from glmgate.surfaces.events import EventStream
from glmgate.surfaces.request import Request, begin
from glmgate.wire.sse import COMMENT


class Sink:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.request: Request = begin({"type": "http", "method": "POST", "path": "/v1/x", "headers": []})

    async def __call__(self, message: Message) -> None:
        """Take one message."""
        # As a server does whose client is slow: most of all with the first message.
        await asyncio.sleep(0.005 if message["type"] == "http.response.start" else 0)
        self.sent.append(message)

    def stream(self, *, comment_after_s: float = 60) -> EventStream:
        """A stream into this sink."""
        extra = [(b"x-extra", b"1")]
        return EventStream(self.request, self, comment_after_s=comment_after_s, extra_headers=lambda: extra)

    @property
    def bodies(self) -> list[bytes]:
        """The pieces of the body."""
        return [message["body"] for message in self.sent[1:]]


async def test_headers_leave_with_the_first_bytes() -> None:
    """Until there is something to say, an error may still have a status of its own."""
    sink = Sink()
    async with sink.stream() as events:
        await events.write(b"")
        assert not sink.sent
        assert not sink.request.streams
        await events.write(b"data: 1\n\n")
    assert dict(sink.sent[0]["headers"]) == {
        b"content-type": b"text/event-stream; charset=utf-8",
        b"cache-control": b"no-cache",
        b"x-accel-buffering": b"no",
        b"x-extra": b"1",
    }
    assert sink.request.streams


async def test_silence_is_filled_with_comments() -> None:
    """One comment for each time of silence, counted from the last bytes."""
    sink = Sink()
    async with sink.stream(comment_after_s=0.5) as events:
        await asyncio.sleep(0.3)
        await events.write(b"data: 1\n\n")
        await asyncio.sleep(0.3)
        assert sink.bodies == [b"data: 1\n\n"]
        await asyncio.sleep(0.5)
    assert sink.bodies[1:] in ([COMMENT], [COMMENT, COMMENT])


async def test_first_comment_brings_the_headers() -> None:
    """Proxies and clients see after a while that an answer is under way."""
    sink = Sink()
    async with sink.stream(comment_after_s=0.02):
        await asyncio.sleep(0.05)
    assert sink.sent[0]["status"] == 200
    assert sink.bodies[0] == COMMENT


async def test_writes_and_comments_never_mix() -> None:
    """With comments at every moment, each piece is still whole and the headers come once."""
    sink = Sink()
    async with sink.stream(comment_after_s=0) as events:
        for number in range(50):
            await events.write(b"data: %d\n\n" % number)
    await events.end(b"data: end\n\n")
    assert [m["type"] for m in sink.sent].count("http.response.start") == 1
    data = [body for body in sink.bodies if body != COMMENT]
    assert data == [*(b"data: %d\n\n" % number for number in range(50)), b"data: end\n\n"]
    assert [message["more_body"] for message in sink.sent[1:]].index(False) == len(sink.bodies) - 1


async def test_no_comment_comes_after_the_context() -> None:
    """Whoever answers an error afterwards is alone on the connection."""
    sink = Sink()
    async with sink.stream(comment_after_s=0.01):
        pass
    await asyncio.sleep(0.05)
    assert not sink.sent


async def test_failing_comment_is_not_hidden() -> None:
    """A server that raises on a write is heard."""

    async def broken(message: Message) -> None:
        raise ConnectionError

    events = EventStream(Sink().request, broken, comment_after_s=0, extra_headers=list)
    with pytest.raises(ConnectionError):
        async with events:
            await asyncio.sleep(0.02)
