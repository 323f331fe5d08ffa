"""What outlives a reload of the settings: slots, parked credentials, learned limits, breakers and budgets, by name.

It makes and keeps them; what they are for is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from glmgate.routing.breaker import Breaker, State
from glmgate.routing.budget import RetryBudget
from glmgate.routing.learning import Learn
from glmgate.routing.slots import Pool, PoolState

_QUEUE_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True)
class Places:
    """A pool, and where in it the credentials are that were asked for, in their order."""

    pool: Pool
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RoutingState:
    """How all of it stands: the pools by upstream, and the breakers' states by deployment."""

    pools: tuple[PoolState, ...]
    breakers: dict[str, State]


class Continuity:
    """Made once for each process. `wall` gives Unix seconds, `clock` those of any origin that never goes back."""

    def __init__(self, *, wall: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._clock = clock
        self._pools: dict[str, Pool] = {}
        self._breakers: dict[str, Breaker] = {}
        self._budgets: dict[str, RetryBudget] = {}

    def pool(
        self, name: str, fingerprints: Sequence[str], *, limit: int | Learn = 4, queue_limit: int = _QUEUE_LIMIT
    ) -> Places:
        """The pool of the upstream `name`, the same one as before, with these credentials from now on."""
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = Pool(name, (), limit=limit, queue_limit=queue_limit, clock=self._wall)
        return Places(pool, pool.reconfigure(fingerprints, limit=limit, queue_limit=queue_limit))

    def breaker(self, deployment: str) -> Breaker:
        """The breaker of that deployment."""
        if deployment not in self._breakers:
            self._breakers[deployment] = Breaker(deployment, clock=self._clock)
        return self._breakers[deployment]

    def budget(self, deployment: str) -> RetryBudget:
        """The retry budget of that deployment."""
        if deployment not in self._budgets:
            self._budgets[deployment] = RetryBudget(clock=self._clock)
        return self._budgets[deployment]

    def keep(self, upstreams: Collection[str], deployments: Collection[str]) -> None:
        """Forget all others. Requests that still run on them keep what they hold."""
        self._pools = {name: pool for name, pool in self._pools.items() if name in upstreams}
        self._breakers = {name: breaker for name, breaker in self._breakers.items() if name in deployments}
        self._budgets = {name: budget for name, budget in self._budgets.items() if name in deployments}

    def state(self) -> RoutingState:
        """How all of it stands, for people and metrics."""
        return RoutingState(
            pools=tuple(pool.state() for pool in self._pools.values()),
            breakers={name: breaker.state for name, breaker in self._breakers.items()},
        )
