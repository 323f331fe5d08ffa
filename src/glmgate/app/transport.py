"""The transport to upstreams, made when the first of them is asked.

What is sent is not known here.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glmgate.transport.interfaces import Outgoing, Reply, StreamedReply, Transport
from glmgate.transport.proxies import Proxies


class LazyTransport:
    """An aiohttp transport, which is imported with the first request: a start need not wait for it."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._made: Transport | None = None
        self._making = asyncio.Lock()

    @asynccontextmanager
    async def stream(self, request: Outgoing) -> AsyncIterator[StreamedReply]:
        """POST, and read the reply as it arrives. Leaving the context closes the connection at once."""
        transport = self._made or await self._transport()
        async with transport.stream(request) as reply:
            yield reply

    @asynccontextmanager
    async def fetch(self, request: Outgoing) -> AsyncIterator[StreamedReply]:
        """GET, and read the reply as it arrives. Leaving the context closes the connection at once."""
        transport = self._made or await self._transport()
        async with transport.fetch(request) as reply:
            yield reply

    async def post(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """POST, and read the whole reply."""
        transport = self._made or await self._transport()
        return await transport.post(request, max_bytes=max_bytes)

    async def get(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """GET, and read the whole reply."""
        transport = self._made or await self._transport()
        return await transport.get(request, max_bytes=max_bytes)

    async def aclose(self) -> None:
        """Close all connections. Nothing may be on its way any more."""
        if self._made is not None:
            await self._made.aclose()

    async def _transport(self) -> Transport:
        async with self._making:
            if self._made is None:
                # In a thread: importing takes a tenth of a second, in which others want to be served.
                module = await asyncio.to_thread(importlib.import_module, "glmgate.transport.aiohttp")
                made: Transport = module.AiohttpTransport(proxies=self._proxies)
                self._made = made
        return self._made
