"""Asks a hub: GET with redirects, a credential that stays with its host, and what each status means.

Neither hubs' paths nor files are known here; how often to ask again is a value, `Patience`.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from glmgate.transport.errors import TransportError
from glmgate.transport.interfaces import Outgoing, StreamedReply, Timeouts, Transport
from glmgate.transport.retry_after import retry_after_s
from glmgate.weights.errors import HubTrouble, PullFailed, RangeRefused

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 5
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})


class Watch(Protocol):
    """Who is told how a pull goes."""

    def at(self, done: int, total: int) -> None:
        """`done` of `total` bytes are here."""
        ...

    def says(self, text: str) -> None:
        """Something happened that its user may want to know."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a hub is asked again. Seconds; `attempts` in a row that brought nothing are given up."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    longest_asked_s: float = 600.0
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(connect_s=15.0, first_s=60.0, idle_s=60.0))

    def wait_s(self, failures: int, asked_s: float | None) -> float:
        """How long to wait after so many failures: what the hub asked for, else twice as long each time.

        Raises PullFailed where the hub asks for more than anybody would wait.
        """
        if asked_s is None:
            return min(self.longest_wait_s, self.first_wait_s * 2.0 ** (failures - 1)) * random.uniform(0.75, 1.0)
        if asked_s > self.longest_asked_s:
            raise PullFailed(f"The hub asks to wait {asked_s:.0f} seconds. Pull again then, or use a mirror.")
        return asked_s


class Asker:
    """Asks one hub. `token` goes to the host of each first URL only, never to where that sends us."""

    def __init__(
        self,
        transport: Transport,
        *,
        token: str | None = None,
        patience: Patience,
        watch: Watch,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.patience = patience
        self.watch = watch
        self._transport = transport
        self._token = token
        self._sleep = sleep

    @asynccontextmanager
    async def opened(
        self, url: str, *, headers: Mapping[str, str], look: Callable[[Mapping[str, str]], None] | None = None
    ) -> AsyncIterator[StreamedReply]:
        """A reply with 200 or 206; `look` sees the headers of every reply on the way.

        Raises PullFailed, HubTrouble or TransportError.
        """
        first, place = urlsplit(url), url
        for _ in range(_MOST_REDIRECTS + 1):
            sent = {"Accept-Encoding": "identity", "User-Agent": "glmgate", **headers}
            if self._token and _origin(urlsplit(place)) == _origin(first):
                sent["Authorization"] = f"Bearer {self._token}"
            request = Outgoing(url=place, headers=sent, timeouts=self.patience.timeouts)
            async with self._transport.fetch(request) as reply:
                if look is not None and reply.status < HTTPStatus.BAD_REQUEST:
                    look(reply.headers)
                if reply.status not in _REDIRECTS:
                    _check(reply, url)
                    yield reply
                    return
                place = _next(place, reply.headers.get("location", ""))
        raise PullFailed(f"{url} redirects more than {_MOST_REDIRECTS} times. Try another hub or mirror.")

    async def whole(self, url: str, *, max_bytes: int) -> bytes:
        """The body behind a URL. Asks again as often as `patience` says; raises PullFailed."""
        failures = 0
        while True:
            try:
                async with self.opened(url, headers={}) as reply:
                    return await reply.whole(max_bytes)
            except (TransportError, HubTrouble) as exc:
                failures += 1
                await self.rest(failures, exc)

    async def rest(self, failures: int, cause: TransportError | HubTrouble) -> None:
        """Wait before the hub is asked again. Raises PullFailed when it was asked often enough."""
        if failures >= self.patience.attempts:
            raise PullFailed(f"The hub cannot be reached or does not answer as it should: {cause}.") from cause
        asked_s = cause.retry_after_s if isinstance(cause, HubTrouble) else None
        wait_s = self.patience.wait_s(failures, asked_s)
        self.watch.says(f"{str(cause) or type(cause).__name__}; trying again in {wait_s:.0f} s")
        await self._sleep(wait_s)


def _origin(place: SplitResult) -> tuple[str, str, int | None]:
    return (place.scheme, (place.hostname or "").casefold(), place.port)


def _next(place: str, location: str) -> str:
    target = urljoin(place, location)
    if not location or urlsplit(target).scheme not in ("http", "https"):
        raise PullFailed(f"{place} redirects to {location!r:.200}, which is no HTTP address.")
    if urlsplit(place).scheme == "https" and urlsplit(target).scheme != "https":
        raise PullFailed(f"{place} redirects to an address without TLS; that is not followed.")
    return target


def _check(reply: StreamedReply, url: str) -> None:
    """Raises unless the reply carries what was asked for. Messages name the first URL: others carry signatures."""
    status = reply.status
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise RangeRefused("the hub does not go on from where the file ends here")
    if status in _PASSING:
        asked_s = retry_after_s(reply.headers.get("retry-after", ""), now=time.time())
        raise HubTrouble(f"the hub answered {status}", retry_after_s=asked_s)
    told = {
        401: "asks for a token, or does not know ours: set [pull] token = 'env:NAME'",
        403: "refuses: accept the licence on the repository's page, and set [pull] token = 'env:NAME'",
        404: "has no such file: the catalogue may be out of date; another hub may have it ([pull] hub)",
    }
    raise PullFailed(f"{url} answered {status}: the hub {told.get(status, 'does not serve this')}.")
