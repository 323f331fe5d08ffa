"""Small questions to a service, to find out what it is and what a credential may do there.

Each is one request, and those that cost something are counted. What came of it is read in `replies`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from glmgate import __version__
from glmgate.adaptation.profile import Profile
from glmgate.engines.upstream import replies
from glmgate.engines.upstream.replies import Answer, Said
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.surfaces import Directory, Place, Server, directory
from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, StreamedReply, Timeouts, Transport
from glmgate.wire.sse import EventTooLarge, SseReader

ANSWER_TOKENS: Final = 16
"""The longest answer of each request that costs something."""

_MOST_BYTES: Final = 4 * 1024 * 1024
_TOOL: Final = {
    "type": "function",
    "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}},
}


class BudgetSpent(Exception):
    """No request that costs something is left."""


@dataclass(slots=True)
class Budget:
    """How many requests that cost something may be sent, and were."""

    most: int
    used: int = 0

    @property
    def left(self) -> int:
        """So many more may be sent."""
        return self.most - self.used

    def take(self) -> None:
        """Count one. Raises BudgetSpent."""
        if self.used >= self.most:
            raise BudgetSpent
        self.used += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom to ask, with which credential, and the profile that says how."""

    place: Place
    profile: Profile
    credential: Secret | None = None
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The models that a service lists: their names, those that can chat as far as it says, and whose they are."""

    said: Said
    models: tuple[str, ...] = ()
    chat: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


class Asker:
    """Asks services over `transport`. `timeout_s`: until an answer begins, and between two pieces of it."""

    def __init__(
        self,
        transport: Transport,
        budget: Budget,
        *,
        timeout_s: float = 30.0,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self._transport = transport
        self._timeouts = Timeouts(
            connect_s=min(10.0, timeout_s), first_s=timeout_s, idle_s=timeout_s, total_s=2 * timeout_s
        )
        self._now = now
        self._clock = clock

    async def models(self, target: Target) -> Listing:
        """The models that it lists. Costs nothing."""
        said, body = await self._get(f"{target.place.base_url}/models", target)
        if said.trouble is not None:
            return Listing(said=said)
        said, listed = replies.read_models(said, body)
        return Listing(
            said=said,
            models=tuple(model.id for model in listed),
            chat=tuple(model.id for model in listed if model.kind in {None, "chat"}),
            owners=tuple(dict.fromkeys(model.owned_by for model in listed if isinstance(model.owned_by, str))),
        )

    async def server(self, listing: Listing, target: Target, known: Directory) -> tuple[Server, str] | None:
        """What kind of server it is, and its version where it says so. Costs nothing."""
        for server in known.servers:
            if server.lists(listing.owners, listing.said.headers):
                return server, ""
        for path in known.paths:
            said, body = await self._get(target.place.root + path, target)
            told = replies.members(body) if said.trouble is None else {}
            for server in known.servers:
                if server.path == path and all(name in told for name in server.members):
                    return server, str(told.get("version") or "")
        return None

    async def ask(self, target: Target, **members: object) -> Said:
        """One plain question, with these members beside it or in its place. Raises BudgetSpent."""
        self.budget.take()
        head = self._head()
        try:
            reply = await self._transport.post(self._question(target, members), max_bytes=_MOST_BYTES)
        except TransportError as error:
            return replies.unanswered(error, ms=head().ms)
        said = replace(head(), status=reply.status, headers=reply.headers)
        if reply.status != 200:
            return replies.refused(said, reply.body, target.profile)
        read = replies.read_message if target.place.dialect == "messages" else replies.read_completion
        return read(said, reply.body)

    async def ask_stream(self, target: Target, **members: object) -> Said:
        """The question again, to be answered piece by piece. Raises BudgetSpent."""
        self.budget.take()
        head = self._head()
        try:
            async with self._transport.stream(self._question(target, {"stream": True, **members})) as reply:
                if reply.status != 200:
                    body = await reply.whole(_MOST_BYTES)
                    said = replace(head(), status=reply.status, headers=reply.headers)
                    return replies.refused(said, body, target.profile)
                first_ms, answer, start = await _read(reply, head)
                said = replace(head(), status=200, headers=reply.headers, first_ms=first_ms)
        except TransportError as error:
            return replies.unanswered(error, ms=head().ms)
        except EventTooLarge as error:
            return replace(head(), trouble="no_service", message=str(error))
        return replace(said, answer=answer) if answer.pieces else replies.no_service(said, start)

    async def _get(self, url: str, target: Target) -> tuple[Said, bytes]:
        head = self._head()
        request = Outgoing(url=url, headers=_headers(target), timeouts=self._timeouts)
        try:
            reply = await self._transport.get(request, max_bytes=_MOST_BYTES)
        except TransportError as error:
            return replies.unanswered(error, ms=head().ms), b""
        said = replace(head(), status=reply.status, headers=reply.headers)
        return (said if reply.status == 200 else replies.refused(said, reply.body, target.profile)), reply.body

    def _head(self) -> Callable[[], Said]:
        """From now on: the times of a question that is asked now."""
        began, asked_at = self._clock(), self._now()

        def said() -> Said:
            seconds = self._clock() - began
            return Said(ms=round(seconds * 1000, 1), asked_at=asked_at + seconds / 2)

        return said

    def _question(self, target: Target, members: Mapping[str, object]) -> Outgoing:
        is_chat = target.place.dialect == "chat"
        body: dict[str, object] = {
            "model": target.model,
            "messages": [_user("Say OK.")],
            target.profile.limit_name if is_chat else "max_tokens": ANSWER_TOKENS,
            **members,
        }
        return Outgoing(
            url=target.place.base_url + directory().dialects[target.place.dialect].path,
            headers=_headers(target) | {"Content-Type": "application/json"},
            body=msgspec.json.encode(body),
            timeouts=self._timeouts,
        )


def thinking(profile: Profile, *, on: bool) -> dict[str, object]:
    """The members that switch thinking; none where the service has no switch, or none in that direction."""
    switch = profile.thinking
    if not on and not switch.can_disable:
        return {}
    match switch.member:
        case "chat_template_kwargs":
            return {"chat_template_kwargs": {switch.switch: on}}
        case "thinking":
            return {"thinking": {"type": "enabled" if on else "disabled"}}
        case "reasoning_effort":
            effort = "low" if on else "none"
            return {"reasoning_effort": switch.efforts[effort]} if effort in switch.efforts else {}
        case _:
            return {}


def tools() -> dict[str, object]:
    """The members that give the model a function to call, and ask for it."""
    return {"tools": [_TOOL], "tool_choice": "auto", "messages": [_user("What time is it? Call the function.")]}


def json_object() -> dict[str, object]:
    """The members that ask for JSON."""
    question = 'Answer with this JSON and nothing else: {"ok": true}'
    return {"response_format": {"type": "json_object"}, "messages": [_user(question)]}


async def _read(reply: StreamedReply, head: Callable[[], Said]) -> tuple[float | None, Answer, bytes]:
    """When the first bytes came, the answer of all events, and the first bytes themselves."""
    reader, answer = SseReader(), Answer(pieces=0)
    first_ms, start = None, b""
    async for data in reply.pieces():
        if first_ms is None:
            first_ms, start = head().ms, data
        for event in reader.feed(data):
            answer = replies.grown(answer, event.data)
    return first_ms, answer, start


def _headers(target: Target) -> dict[str, str]:
    dialect = directory().dialects[target.place.dialect]
    headers = {"User-Agent": f"glmgate-doctor/{__version__}", "Accept": "application/json, text/event-stream"}
    if target.credential is not None:
        headers["Authorization"] = f"Bearer {target.credential.reveal()}"
        headers |= dict.fromkeys(dialect.key_headers, target.credential.reveal())
    return headers | dialect.headers


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
