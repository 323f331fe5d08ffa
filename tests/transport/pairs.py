"""Two peers of this process that speak to each other, as a parent and its worker do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from glmgate.transport.peers import Peer, Services

NOTHING = Services()


@asynccontextmanager
async def pair(ours: Services, theirs: Services = NOTHING) -> AsyncIterator[tuple[Peer, Peer]]:
    """Who lends `ours`, and who asks for them; closed at the end."""
    here, there = socket.socketpair()
    lender, asker = Peer(ours), Peer(theirs)
    await lender.open(here)
    await asker.open(there)
    try:
        yield lender, asker
    finally:
        asker.close()
        lender.close()
        async with asyncio.timeout(5):
            await lender.lost.wait()
            await asker.lost.wait()
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- what is waited for tells nobody
            await asyncio.sleep(0.002)
