"""Moderations of a service (OpenAI reference, contract 4.7): texts are sent, and what the service thinks is read.

Both shapes of an answer are understood, whichever service it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from glmgate.engines.upstream import body, failures
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.engines.upstream.shapes import Tokens
from glmgate.errors import EngineFailed
from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, Reply, Transport
from glmgate.wire.engine import Call
from glmgate.wire.moderation import Direction, Judgement, Passage

_OK: Final = 200
_MOST_BYTES: Final = 1 << 20


class _Result(msgspec.Struct, frozen=True):
    flagged: bool
    categories: dict[str, bool | None] = {}


class _Risk(msgspec.Struct, frozen=True):
    risk_level: str
    risk_type: list[str] = []


class _Answer(msgspec.Struct, frozen=True):
    results: list[_Result] | None = None
    result_list: list[_Risk] | None = None
    usage: Tokens | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class ServiceModerator:
    """Implements `wire.moderation.Moderator` by `{base_url}/moderations`, with the service's first credential."""

    def __init__(
        self,
        upstream: Upstream,
        *,
        model: str | None,
        secret: Secret | None,
        transport: Transport,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._upstream = upstream
        self._model = model
        self._secret = secret
        self._transport = transport
        self._clock = clock

    async def judge(self, call: Call, direction: Direction, passages: tuple[Passage, ...]) -> Judgement:  # noqa: ARG002 -- a service is not told the direction
        """What the service thinks of all passages together."""
        members = {"input": "\n\n".join(passage.text for passage in passages)}
        if self._model is not None:
            members["model"] = self._model
        outgoing = Outgoing(
            url=self._upstream.url("/moderations"),
            headers=body.headers(call, self._secret),
            body=msgspec.json.encode(members),
            timeouts=self._upstream.timeouts,
        )
        try:
            reply = await self._transport.post(outgoing, max_bytes=_MOST_BYTES)
        except TransportError as exc:
            raise failures.broken(exc) from exc
        if reply.status != _OK:
            profile = self._upstream.profile
            raise failures.failure(
                profile, reply.status, reply.headers, reply.body, now=self._clock(), secret=self._secret
            )
        return _read(reply)


def _read(reply: Reply) -> Judgement:
    answer = _answer(reply)
    flagged = [result for result in answer.results or () if result.flagged]
    bad = [risk for risk in answer.result_list or () if risk.risk_level.upper() != "PASS"]
    return Judgement(
        flagged=bool(flagged or bad),
        categories=(*_named(flagged), *_risks(bad)),
        usage=None if answer.usage is None else answer.usage.usage,
    )


def _answer(reply: Reply) -> _Answer:
    try:
        answer = _ANSWER.decode(reply.body)
    except msgspec.MsgspecError:
        answer = _Answer()
    if answer.results is None and answer.result_list is None:
        # Without the cause: its text may quote what was sent.
        raise EngineFailed("The service that moderates sent something that is no judgement.") from None
    return answer


def _named(flagged: Iterable[_Result]) -> Iterator[str]:
    """The categories of OpenAI's form that a text falls into."""
    return (name for result in flagged for name, is_so in result.categories.items() if is_so)


def _risks(bad: Iterable[_Risk]) -> Iterator[str]:
    """Those of Z.AI's form."""
    return (word for risk in bad for word in risk.risk_type)
