"""What runs when the server starts and stops."""

from __future__ import annotations

import asyncio

from glmgate.surfaces.asgi import Message
from glmgate.surfaces.lifespan import Lifespan


class Server:
    """The server's side of a lifespan."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[str] = []

    async def send(self, message: Message) -> None:
        """Keep what the application says."""
        self.sent.append(message["type"])

    async def run(self, lifespan: Lifespan, *types: str) -> None:
        """Run the lifespan with these messages."""
        for kind in types:
            self.messages.put_nowait({"type": kind})
        await lifespan(self.messages.get, self.send)


async def test_hooks_run_in_their_order() -> None:
    """Start before the first request, stop after the last."""
    ran: list[str] = []

    async def start() -> None:
        ran.append("start")

    async def stop() -> None:
        ran.append("stop")

    server = Server()
    await server.run(Lifespan(start, stop), "lifespan.startup", "lifespan.shutdown")
    assert ran == ["start", "stop"]
    assert server.sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_failing_start_is_kept_and_told() -> None:
    """Whoever started the server gets the error itself."""

    async def start() -> None:
        raise RuntimeError("no engine")

    server, lifespan = Server(), Lifespan(start)
    await server.run(lifespan, "lifespan.startup")
    assert str(lifespan.error) == "no engine"
    assert server.sent == ["lifespan.startup.failed"]
