"""Counters in Redis or Valkey: for processes on several machines. Each call is one script in the server.

The server may forget everything: limits begin anew then, and periods are loaded from the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final

from typing_extensions import override

from glmgate.errors import SettingsError, Unavailable
from glmgate.policy.counters import LEASE_S, Ask, Bucket, Change, Counters, Lease, Outcome, Slot, Spend
from glmgate.storage.counted import decided, unloaded

# A script takes a tenth of a millisecond; a request does not wait longer for a server that does not answer.
_TIMEOUT_S: Final = 2.0
# A call on the server's one thread is short, so more connections than these only make the server's list longer.
_CONNECTIONS: Final = 16
_AT_ONCE: Final = 1000
# Braces make the prefix a hash tag: all keys of a call are on one server of a cluster.
_KEY: Final = "{%s}%s"
# What leases of a spend are in, beside the number of its period.
_OF_PERIODS: Final = ("", ":ends", ":held")
_WORDS: Final = {
    "AuthenticationError": "it refuses the user or the password of [storage] redis_url",
    "NoPermissionError": "the user of [storage] redis_url may not do what is needed: scripts and keys of the prefix",
    "TimeoutError": "it does not answer in time",
    "ConnectionError": "it cannot be reached",
    "BusyLoadingError": "it is loading its data",
    "OSError": "it cannot be reached",
    "ReadOnlyError": "it is a replica that nobody may write to",
    "OutOfMemoryError": "it has no memory left",
}
_SCHEMES: Final = frozenset({"redis", "rediss", "unix", "valkey", "valkeys"})


class RedisCounters(Counters):
    """Counters for all processes that use the same server and prefix; their clock is the server's."""

    def __init__(self, url: str, *, prefix: str = "glmgate:", lease_s: float = LEASE_S) -> None:
        self._prefix = prefix
        self._lease_ms = round(lease_s * 1000)
        self._client = _client(url)
        self._take = self._client.register_script(_script("counters_take.lua"))
        self._settle = self._client.register_script(_script("counters_settle.lua"))
        self._renew = self._client.register_script(_script("counters_renew.lua"))
        self._load = self._client.register_script(_script("counters_load.lua"))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def clear(self) -> None:
        """Forget everything of this prefix, little by little: others may go on."""
        literal = re.sub(r"([\\*?\[\]])", r"\\\1", _KEY % (self._prefix, ""))
        with _told():
            async for key in self._client.scan_iter(match=f"{literal}*", count=_AT_ONCE):
                await self._client.unlink(key)

    @override
    async def take(self, holder: str, asks: Sequence[Ask]) -> Outcome:
        values = [word for ask in asks for word in _words(ask)]
        with _told():
            answer = await self._take(self._keys(asks), [holder, self._lease_ms, *values])
        _, now_ms, seen = answer
        found = [None if number is None else int(number) for number in seen]
        return unloaded(asks, found) or decided(asks, found, int(now_ms) / 1000)[0]

    @override
    async def settle(self, holder: str, changes: Sequence[Change]) -> None:
        wanted = [change for change in changes if change.by or change.held or isinstance(change.ask, Slot)]
        values = [word for change in wanted for word in _changed(change)]
        if wanted:
            with _told():
                await self._settle(self._keys(change.ask for change in wanted), [holder, *values])

    @override
    async def renew(self, slots: Iterable[tuple[str, str]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        held, lent = list(slots), list(leases)
        if not held and not lent:
            return []
        keys = [self._key(name) for name, _ in held] + self._of_periods(name for name, _, _ in lent)
        values = [self._lease_ms, len(held), *(who for _, who in held), *_lent(lent)]
        with _told():
            anew = await self._renew(keys, values)
        return [lent[place - 1] for place in anew]

    @override
    async def load(self, used: Mapping[str, tuple[int, float]], leases: Iterable[Lease] = ()) -> Sequence[Lease]:
        lent = list(leases)
        periods = [word for amount, until in used.values() for word in (amount, max(1, round(until * 1000)))]
        keys = self._of_periods([*used, *(name for name, _, _ in lent)])
        with _told():
            anew = await self._load(keys, [self._lease_ms, len(used), *periods, *_lent(lent)])
        return [lent[place - 1] for place in anew]

    @override
    async def leased(self, name: str) -> int:
        *_, held = self._of_periods([name])
        with _told():
            return sum(int(amount) for amount in await self._client.hvals(held))

    def _key(self, name: str) -> str:
        return _KEY % (self._prefix, name)

    def _keys(self, asks: Iterable[Ask]) -> list[str]:
        return [
            key
            for ask in asks
            for key in (self._of_periods([ask.name]) if isinstance(ask, Spend) else [self._key(ask.name)])
        ]

    def _of_periods(self, names: Iterable[str]) -> list[str]:
        return [self._key(name + part) for name in names for part in _OF_PERIODS]


def _words(ask: Ask) -> tuple[str, ...]:
    """How the scripts are told an ask."""
    if isinstance(ask, Bucket):
        return "b", str(ask.amount), str(ask.limit), str(ask.per_ms), ""
    if isinstance(ask, Slot):
        return "s", "1", str(ask.limit), "", ""
    return "p", str(ask.amount), *("" if each is None else str(each) for each in (ask.limit, ask.least, ask.likely))


def _changed(change: Change) -> tuple[str, ...]:
    """How the scripts are told what is to be done."""
    kind, _, *rest = _words(change.ask)
    return (kind, str(change.by), "", "", str(change.held)) if kind == "p" else (kind, str(change.by), *rest)


def _lent(leases: Iterable[Lease]) -> list[str | int]:
    return [word for _, holder, amount in leases for word in (holder, amount)]


def _script(name: str) -> str:
    texts = [
        (resources.files(__package__) / each).read_text(encoding="utf-8") for each in ("counters_leases.lua", name)
    ]
    return "\n".join(texts)


def _client(url: str) -> Any:  # noqa: ANN401 -- redis may not be installed
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 -- 0.36 s, and an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.exceptions import ConnectionError as Lost  # noqa: PLC0415
    except ImportError as exc:
        raise SettingsError(
            "[storage] redis_url names a Redis server, and its client is not installed: pip install 'glmgate[redis]'."
        ) from exc
    scheme, _, rest = url.partition(":")
    if scheme not in _SCHEMES or not rest.startswith("//"):
        # Without the text: a password may stand in it.
        raise SettingsError("[storage] redis_url must be a URL such as redis://host:6379/0, rediss:// or unix://PATH.")
    try:
        pool = BlockingConnectionPool.from_url(
            f"{scheme.replace('valkey', 'redis')}:{rest}",
            max_connections=_CONNECTIONS,
            timeout=_TIMEOUT_S,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            # A connection that the server has closed is made anew; what is done and whose answer is lost counts twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(Lost,)),
            decode_responses=True,
        )
    except ValueError as exc:
        raise SettingsError("[storage] redis_url cannot be used: its port, its number or an option is wrong.") from exc
    return Redis.from_pool(pool)


@contextmanager
def _told() -> Iterator[None]:
    from redis.exceptions import RedisError  # noqa: PLC0415 -- an extra, which is there by now

    try:
        yield
    except (RedisError, OSError) as exc:
        raise Unavailable(f"The counters cannot be used: {_said(exc)}.", retry_after_s=1) from exc


def _said(exc: BaseException) -> str:
    """In words of ours, which hold no address: clients may come to read them. The client wraps what is the matter."""
    if exc.__cause__ is not None:
        return _said(exc.__cause__)
    return next((_WORDS[kind.__name__] for kind in type(exc).__mro__ if kind.__name__ in _WORDS), type(exc).__name__)
