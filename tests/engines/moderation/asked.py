"""What tests of moderators are built from: a transport with one reply, and the call of a request."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from glmgate.transport.interfaces import Outgoing, Reply, StreamedReply
from glmgate.wire.engine import Call, Caller
from glmgate.wire.moderation import Passage

PASSAGES = (Passage("messages[0]", "first text"), Passage("messages[1]", "second"))
CALL = Call(request_id="r-1", caller=Caller("key-1", "org", "proj"), surface="openai", uid="uid-1", model="glm-4.6")


@dataclass(slots=True)
class FakeTransport:
    """Answers every post with a body, or fails."""

    body: bytes = b"{}"
    status: int = 200
    error: Exception | None = None
    sent: list[Outgoing] = field(default_factory=list)

    async def post(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """The reply."""
        self.sent.append(request)
        if self.error is not None:
            raise self.error
        return Reply(self.status, {}, self.body)

    async def get(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """The reply."""
        return await self.post(request, max_bytes=max_bytes)

    def stream(self, request: Outgoing) -> AbstractAsyncContextManager[StreamedReply]:
        """Nobody streams here."""
        raise NotImplementedError

    def fetch(self, request: Outgoing) -> AbstractAsyncContextManager[StreamedReply]:
        """Nobody streams here."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""

    @property
    def last(self) -> Any:
        """The body of the last post."""
        body = self.sent[-1].body
        assert body is not None
        return msgspec.json.decode(body)
