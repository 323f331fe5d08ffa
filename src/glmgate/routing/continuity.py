"""What outlives a reload of the settings: slots, parked credentials, learned limits, breakers and budgets, by name.

It makes and keeps them; what they are for is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from glmgate.routing.breaker import Breaker, State
from glmgate.routing.budget import RetryBudget
from glmgate.routing.interfaces import Places, Pools, PoolState
from glmgate.routing.learning import Learn
from glmgate.routing.slots import Pool

_QUEUE_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True)
class RoutingState:
    """How all of it stands: the pools by upstream, and the breakers' states by deployment."""

    pools: tuple[PoolState, ...]
    breakers: dict[str, State]


class OwnPools(Pools):
    """Pools that are kept in this process. `clock` gives Unix seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pools: dict[str, Pool] = {}

    @override
    def places(
        self, name: str, fingerprints: Sequence[str], *, limit: int | Learn = 4, queue_limit: int = _QUEUE_LIMIT
    ) -> Places:
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = Pool(name, (), limit=limit, queue_limit=queue_limit, clock=self._clock)
        return Places(pool, pool.reconfigure(fingerprints, limit=limit, queue_limit=queue_limit))

    @override
    def keep(self, names: Collection[str]) -> None:
        self._pools = {name: pool for name, pool in self._pools.items() if name in names}

    @override
    def state(self) -> tuple[PoolState, ...]:
        return tuple(pool.state() for pool in self._pools.values())

    def all(self) -> dict[str, Pool]:
        """Each of them, by the name of its upstream."""
        return dict(self._pools)


class Continuity:
    """Made once for each process. `pools` may be kept in another one; `clock` never goes back."""

    def __init__(self, *, pools: Pools | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools = OwnPools() if pools is None else pools
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._budgets: dict[str, RetryBudget] = {}

    def pool(
        self, name: str, fingerprints: Sequence[str], *, limit: int | Learn = 4, queue_limit: int = _QUEUE_LIMIT
    ) -> Places:
        """The pool of the upstream `name`, the same one as before, with these credentials from now on."""
        return self._pools.places(name, fingerprints, limit=limit, queue_limit=queue_limit)

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
        self._pools.keep(upstreams)
        self._breakers = {name: breaker for name, breaker in self._breakers.items() if name in deployments}
        self._budgets = {name: budget for name, budget in self._budgets.items() if name in deployments}

    def state(self) -> RoutingState:
        """How all of it stands, for people and metrics."""
        return RoutingState(
            pools=self._pools.state(),
            breakers={name: breaker.state for name, breaker in self._breakers.items()},
        )
