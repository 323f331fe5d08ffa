"""Noticing that the client has gone, while its request is worked on.

Only watching and stopping lives here; what a lost client means for the request's ending is the gateway's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glmgate.surfaces.asgi import Receive


class ClientGone(Exception):
    """The client has closed its connection: nobody is left to answer."""


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Run the block; when the client goes, cancel what it waits for at once and raise ClientGone.

    Enter it after the body was read, and leave it before the last byte of the answer is sent: a server tells of the
    end of an answer in the same way as of a client that has left.
    """
    task = asyncio.current_task()
    assert task is not None
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if is_gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watcher.cancel()
