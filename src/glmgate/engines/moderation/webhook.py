"""A webhook that judges texts: they are posted as JSON, signed where a secret is set, and one object comes back.

What is posted and how it is signed is documented (docs/filters.md), so it is not changed without a new version.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

import msgspec

from glmgate.engines.upstream.secret import Secret
from glmgate.errors import EngineFailed
from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, Timeouts, Transport
from glmgate.wire.engine import Call
from glmgate.wire.moderation import Direction, Judgement, Passage

VERSION: Final = 1
_OK: Final = range(200, 300)
_MOST_BYTES: Final = 1 << 20


class _Answer(msgspec.Struct, frozen=True):
    flagged: bool
    categories: tuple[str, ...] = ()


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class Webhook:
    """Implements `wire.moderation.Moderator`. `name` is the filter's; `clock` gives Unix seconds."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        transport: Transport,
        secret: Secret | None = None,
        timeout_s: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._url = url
        self._transport = transport
        self._secret = secret
        self._timeouts = Timeouts(connect_s=timeout_s, first_s=timeout_s, idle_s=timeout_s, total_s=timeout_s)
        self._clock = clock

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:
        """What the webhook says of the passages."""
        data = self._body(call, direction, passages)
        outgoing = Outgoing(url=self._url, headers=self._headers(data), body=data, timeouts=self._timeouts)
        try:
            reply = await self._transport.post(outgoing, max_bytes=_MOST_BYTES)
        except TransportError as exc:
            raise EngineFailed(f"The webhook of the filter {self._name!r} could not be reached.") from exc
        if reply.status not in _OK:
            raise EngineFailed(f"The webhook of the filter {self._name!r} answered with the status {reply.status}.")
        try:
            answer = _ANSWER.decode(reply.body)
        except msgspec.MsgspecError:
            # Without the cause: its text may quote what was sent.
            raise EngineFailed(f"The webhook of the filter {self._name!r} sent no judgement.") from None
        return Judgement(flagged=answer.flagged, categories=answer.categories)

    def _body(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> bytes:
        return msgspec.json.encode(
            {
                "version": VERSION,
                "filter": self._name,
                "direction": direction,
                "request": call.uid,
                "model": call.model,
                "organisation": call.caller.organisation,
                "project": call.caller.project,
                "key": call.caller.key_id,
                "texts": [{"place": passage.place, "text": passage.text} for passage in passages],
            }
        )

    def _headers(self, data: bytes) -> dict[str, str]:
        """With a secret: its HMAC-SHA256 over the time, a dot and the body, so that old posts can be told."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "glmgate"}
        if self._secret is not None:
            at = str(int(self._clock()))
            digest = hmac.new(self._secret.reveal().encode(), f"{at}.".encode() + data, hashlib.sha256).hexdigest()
            headers |= {"x-glmgate-timestamp": at, "x-glmgate-signature": f"sha256={digest}"}
        return headers
