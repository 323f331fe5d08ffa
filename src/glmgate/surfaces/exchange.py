"""What an endpoint gets: the request, who asks, and the ways to read, ask the gateway and answer.

Limits, routes and errors are settled around it (`body`, `table`, `middleware`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.gateway.administration import Administration
from glmgate.surfaces.asgi import Receive, Send, text
from glmgate.surfaces.body import BodyBudget, BodyReader
from glmgate.surfaces.interfaces import Gateway, Operations
from glmgate.surfaces.presence import while_connected
from glmgate.surfaces.reply import Reply
from glmgate.surfaces.request import Request
from glmgate.surfaces.settings import ServerSettings
from glmgate.surfaces.switches import switch
from glmgate.surfaces.uids import uid
from glmgate.wire.chat import GlmgateOptions
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, Generation
from glmgate.wire.members import Members, read
from glmgate.wire.rerank import RerankRequest
from glmgate.wire.tokenizer import TokenizerRequest

T = TypeVar("T", bound=Members)
MAX_REQUEST_ID = 128


@dataclass(frozen=True, slots=True)
class Services:
    """What all requests of a server share. `administration` is None where no key is asked for."""

    gateway: Gateway
    settings: ServerSettings
    operations: Operations
    budget: BodyBudget
    administration: Administration | None = None


@dataclass(slots=True)
class Exchange:
    """One request at its endpoint."""

    request: Request
    services: Services
    caller: Caller
    params: Mapping[str, str]
    receive: Receive
    send: Send
    _reader: BodyReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = BodyReader(self.request, self.receive, self.services.settings, self.services.budget)

    @property
    def gateway(self) -> Gateway:
        """Who answers."""
        return self.services.gateway

    @property
    def administration(self) -> Administration:
        """What an administrator's request is asked of, in the hands of who asks."""
        administration = self.services.administration
        assert administration is not None  # the dispatch lets nobody through where there is none
        return administration.acting(self.caller)

    async def read(self, into: type[T]) -> T:
        """The body as `into`. Raises what `BodyReader.read` and `wire.members.read` raise."""
        return read(await self._reader.read(), into)

    def close(self) -> None:
        """The exchange is over; what it held is free."""
        self._reader.close()

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Ends the block when the client goes (see `while_connected`)."""
        return while_connected(self.receive)

    def call(self, options: GlmgateOptions | None) -> Call:
        """The call that goes with this request on its way through the gateway, which from here on reports on it.

        Raises InvalidRequest when a header's switch is neither on nor off.
        """
        wishes = options or GlmgateOptions()
        headers = self.request.headers
        call = Call(
            request_id=self.request.id,
            caller=self.caller,
            surface=self.request.place.surface,
            strict=switch(headers, "x-glmgate-strict", in_body=None) is True or wishes.strict is True,
            traceparent=text(headers, b"traceparent"),
            tracestate=text(headers, b"tracestate"),
            session_id=_session(headers),
            cache=switch(headers, "x-glmgate-cache", in_body=wishes.cache),
            remember=switch(headers, "x-glmgate-remember", in_body=wishes.remember),
            uid=uid(),
        )
        self.request.call = call
        return call

    def answer_id(self, body: Generation | EmbeddingsRequest | RerankRequest | TokenizerRequest) -> str:
        """The id that the answer carries: the caller's own `request_id`, else the request's (contract 3.1, 3.2).

        Raises InvalidRequest when the caller's is not fit to be one.
        """
        given = body.request_id
        if given is None:
            return self.request.id
        if not given or len(given) > MAX_REQUEST_ID or not given.isprintable():
            raise InvalidRequest(
                f"'request_id' must have 1 to {MAX_REQUEST_ID} printable characters.", param="request_id"
            )
        return given

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer."""
        await reply.send(self.send)

    async def reply_json(self, value: dict[str, Any]) -> None:
        """Send `value` as JSON."""
        await self.reply(Reply(msgspec.json.encode(value)))


def _session(headers: Mapping[bytes, bytes]) -> str | None:
    """The caller's `x-session-id`, where it can be handed on as it is; deployments route by it, no more."""
    given = text(headers, b"x-session-id")
    return given if given and len(given) <= MAX_REQUEST_ID and given.isascii() and given.isprintable() else None
