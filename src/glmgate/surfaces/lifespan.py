"""ASGI's lifespan: what runs when the server starts and stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from glmgate.surfaces.asgi import Receive, Send

Hook = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """A hook that does nothing."""


@dataclass(slots=True)
class Lifespan:
    """The hooks of an application; `error` is what kept it from starting."""

    start: Hook = nothing
    stop: Hook = nothing
    error: BaseException | None = field(default=None, init=False)

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Serve the lifespan scope."""
        await receive()
        try:
            await self.start()
        except Exception as exc:  # noqa: BLE001  # kept and told: whoever started the server raises it
            self.error = exc
            await send({"type": "lifespan.startup.failed", "message": str(exc)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})
