"""The supervisor's children for other processes of ours: slots and leases that end with who holds them.

The other side is `remote`; requests go from there to a child without this process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.spec import LocalModel
from glmgate.errors import Unavailable
from glmgate.transport.peers import Lent, Services

SLOT: Final = "engine slot"
LEASE: Final = "engine lease"
UNREACHABLE: Final = "engine unreachable"


def lending(supervisor: Supervision, models: Iterable[LocalModel]) -> Services:
    """What a process of ours may ask for of these models."""
    known = {model.name: model for model in models}

    def named(name: str) -> LocalModel:
        if (model := known.get(name)) is None:
            raise Unavailable(f"The model {name!r} is not known here any more.", retry=False)
        return model

    @asynccontextmanager
    async def slot(name: str) -> AsyncIterator[Lent]:
        async with supervisor.slot(named(name)):
            yield Lent()

    @asynccontextmanager
    async def lease(name: str, start: bool) -> AsyncIterator[Lent]:  # noqa: FBT001 -- as it comes over the channel
        async with supervisor.lease(named(name), start=start) as running:
            where = running.endpoint
            yield Lent((running.pid, str(where.socket), where.key, running.context))

    async def unreachable(name: str, pid: int) -> None:
        await supervisor.unreachable(named(name), pid)

    return Services(asks={UNREACHABLE: unreachable}, holds={SLOT: slot, LEASE: lease})
