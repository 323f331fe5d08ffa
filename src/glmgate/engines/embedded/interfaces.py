"""What the engine needs of who keeps its children, be that in this process or in its parent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from glmgate.engines.embedded.resident import Running
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.weights.gguf import GgufFacts


class Supervision(Protocol):
    """Keeps a child for each model, with slots and a bounded queue before them.

    `waited` may be set: it is told which model a request has got a slot of, and after how many seconds.
    """

    settings: EmbeddedSettings
    waited: Callable[[str, float], object]

    def context(self, facts: GgufFacts) -> int:
        """The tokens, prompt and answer, that a request to a model with these facts may have here."""
        ...

    def slot(self, model: LocalModel) -> AbstractAsyncContextManager[None]:
        """Hold a slot of the model, after waiting for one. Raises CapacityExceeded when too many wait already."""
        ...

    def runs(self, model: LocalModel) -> bool:
        """Whether a child of the model serves now, as far as this process knows."""
        ...

    def lease(self, model: LocalModel, *, start: bool = True) -> AbstractAsyncContextManager[Running]:
        """A running child of the model, started where none runs; it is not stopped before the context is left.

        Raises Unavailable while it takes too long to come, CapacityExceeded where others' leases hold the memory.
        Without `start` Unavailable is raised at once where none runs.
        """
        ...

    async def unreachable(self, model: LocalModel, pid: int) -> None:
        """Nobody listens where this child served: wait until its end was noticed, which takes the system a moment."""
        ...
