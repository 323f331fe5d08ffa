"""How the engine's children and the slots of credentials stand, as values that one process tells another."""

from __future__ import annotations

from dataclasses import dataclass

from glmgate.engines.embedded.resident import ModelStatus
from glmgate.routing.interfaces import PoolState
from glmgate.telemetry.engines import EngineNow


@dataclass(frozen=True, slots=True)
class Standing:
    """How children and slots stand."""

    models: tuple[ModelStatus, ...] = ()
    pools: tuple[PoolState, ...] = ()


def child_states(standing: Standing) -> dict[str, str]:
    """One word for each model's process."""
    return {status.name: status.phase.value for status in standing.models}


def engines_now(standing: Standing) -> list[EngineNow]:
    """Each model that was asked for, as metrics and people want to know it."""
    return [
        EngineNow(
            status.name,
            status.phase.value,
            busy=status.busy,
            slots=status.slots,
            waiting=status.waiting,
            cells=status.cells,
        )
        for status in standing.models
    ]
