"""The program in a process of its own beside a loopback hub, with a catalogue's name that is served there."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import random_model
from tests.fakes.hub import LoopbackHub, hub_of

NAME: Final = "glm-edge-4b-chat"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A home and the hub that it may reach."""

    home: Path
    hub: LoopbackHub

    @property
    def models(self) -> Path:
        """The folder of models."""
        return self.home / "models"

    @property
    def file(self) -> Path:
        """Where the model is when it is whole."""
        return self.models / f"{NAME}.gguf"

    @property
    def program(self) -> Path:
        """The program as users call it."""
        return Path(sys.executable).with_name("glmgate")

    def names(self) -> list[str]:
        """What lies in the folder of models."""
        return sorted(path.name for path in self.models.iterdir()) if self.models.exists() else []

    def arrived(self) -> int:
        """Bytes of the model that is not whole yet."""
        return sum(path.stat().st_size for path in self.models.glob("*.part"))

    async def start(self, *arguments: str, **more: str) -> asyncio.subprocess.Process:
        """The program, running; `more` is its environment."""
        environment = {**os.environ, "GLMGATE_HOME": str(self.home), "HF_ENDPOINT": self.hub.url, **more}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "glmgate", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment,
        )  # fmt: skip

    async def run(self, *arguments: str, **more: str) -> Done:
        """What became of the program."""
        return await ended(await self.start(*arguments, **more))


async def ended(process: asyncio.subprocess.Process) -> Done:
    """How a process ended, within a minute."""
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def machine_in(folder: Path) -> AsyncIterator[Machine]:
    """A machine whose hub serves a tiny model with random weights under the catalogue's name."""
    content = random_model.write(folder / "made.gguf", random_model.TINY).read_bytes()
    async with hub_of(content) as hub:
        yield Machine(folder / "home", hub)
