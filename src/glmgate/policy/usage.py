"""What is asked of the ledger: sums of attempts and of requests, in buckets of time, by what they have in common.

Values and the Protocol of who answers; how sums are made is `storage`'s. Times are Unix seconds, money is nano-units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.policy.ledger import Amount
from glmgate.wire.charge import Units
from glmgate.wire.delta import Usage

Width = Literal["1m", "1h", "1d", "all"]
"""How long a bucket is, aligned to UTC; `all` is one bucket from the query's start to its end, exactly."""

Dimension = Literal["organisation", "project", "key", "model", "deployment", "endpoint", "outcome", "ending"]
"""What rows may have in common. `deployment` and `outcome` are of attempts, `ending` is of requests."""

SECONDS: Final[Mapping[Width, int]] = {"1m": 60, "1h": 3600, "1d": 86400}
OF_ATTEMPTS: Final[tuple[Dimension, ...]] = (
    "organisation", "project", "key", "model", "deployment", "endpoint", "outcome",
)  # fmt: skip
OF_REQUESTS: Final[tuple[Dimension, ...]] = ("organisation", "project", "key", "model", "endpoint", "ending")


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which sums are wanted: of what happened from `start` to before `end`.

    Both are widened to whole buckets. `filters` keep the rows that have one of the given values.
    """

    start: float
    end: float
    width: Width = "1d"
    group_by: tuple[Dimension, ...] = ()
    filters: Mapping[Dimension, tuple[str, ...]] = field(default_factory=dict)

    @property
    def span(self) -> tuple[float, float]:
        """From where to where sums are made: whole buckets."""
        seconds = SECONDS.get(self.width)
        if seconds is None:
            return self.start, self.end
        return self.start // seconds * seconds, -(-self.end // seconds) * seconds

    def buckets(self) -> Iterator[tuple[float, float]]:
        """Every bucket of the span with its end, also those of which there is no row."""
        start, end = self.span
        step = SECONDS.get(self.width, end - start)
        while start < end:
            yield start, start + step
            start += step

    def check(self, known: tuple[Dimension, ...]) -> None:
        """Raises InvalidRequest where something is asked for that the rows do not have."""
        for name in (*self.group_by, *self.filters):
            if name not in known:
                raise InvalidRequest(f"There are no sums by {name!r} here; there are: {', '.join(known)}.")


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group in one bucket; where there is nothing, there is no row.

    `group` has a value for each dimension that was asked for. Of `attempts`, nobody knows the price of `unpriced`, and
    of `estimated` some of the cost was told by nobody. Each currency has its own sum in `amounts`.
    """

    start: float
    end: float
    group: Mapping[Dimension, str]
    requests: int = 0
    attempts: int = 0
    usage: Usage = Usage()
    units: Units = Units()
    amounts: tuple[Amount, ...] = ()
    unpriced: int = 0
    estimated: int = 0


class Reports(Protocol):
    """Answers from the ledger, ordered by bucket, then by group. Raises InvalidRequest as `UsageQuery.check`."""

    async def attempts(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        """What attempts have cost: what is billed. It counts when they were made, as soon as they are settled.

        `model` is its name at the deployment. `requests` are those that were sent there first: one that was tried
        again counts once, one that the cache answered does not.
        """
        ...

    async def requests(self, query: UsageQuery) -> tuple[UsageRow, ...]:
        """How requests ended, all of them; `usage` is what clients were told, `model` who answered.

        `attempts` and money are what was settled when the request ended: `attempts()` knows the whole of it.
        """
        ...
