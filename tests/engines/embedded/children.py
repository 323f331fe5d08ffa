"""Children for tests of the supervisor: they start, break and end when a test says so, without any process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmgate.engines.embedded.process import Endpoint, StartFailed
from glmgate.transport.interfaces import Outgoing, Reply, StreamedReply


class SilentTransport:
    """Answers nothing: the supervisor never asks a child anything."""

    def stream(self, request: Outgoing) -> AbstractAsyncContextManager[StreamedReply]:
        """Fail."""
        raise AssertionError(request)

    def fetch(self, request: Outgoing) -> AbstractAsyncContextManager[StreamedReply]:
        """Nobody downloads from a child."""
        raise NotImplementedError

    async def post(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """Fail."""
        raise AssertionError(request)

    async def get(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """Fail."""
        raise AssertionError(request)

    async def aclose(self) -> None:
        """Do nothing."""


@dataclass
class FakeChild:
    """A child that lives until a test breaks it or the supervisor ends it."""

    pid: int
    model: str
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(SilentTransport(), "key"))
    broke: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ended: bool = False

    async def wait(self) -> str:
        """Wait until it breaks or is ended."""
        return await asyncio.shield(self.broke)

    async def end(self) -> None:
        """Be ended."""
        self.ended = True
        if not self.broke.done():
            self.broke.set_result("exit status 0")

    def crash(self) -> None:
        """End by itself."""
        self.broke.set_result("exit status -11")


@dataclass
class FakeLaunch:
    """Starts fake children. `gate` holds starts back; `failures` is how many of the next starts fail."""

    children: list[FakeChild] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0
    starts: int = 0

    async def __call__(self, parameters: Mapping[str, Any], *, timeout_s: float) -> FakeChild:
        """Start a child."""
        self.starts += 1
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise StartFailed("tensor is broken")
        child = FakeChild(pid=self.starts, model=Path(parameters["model.path"]).stem)
        self.children.append(child)
        return child

    def alive(self) -> list[str]:
        """The models whose children live, in the order of their start."""
        return [child.model for child in self.children if not child.broke.done()]
