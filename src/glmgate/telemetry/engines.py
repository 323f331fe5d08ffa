"""How the models of the embedded engine are now, as values that metrics and people's views are written from.

Who knows it tells it; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineNow:
    """One model: its process's state, its busy slots of how many, who waits for one, and how much its cache holds.

    `cells` is the number of tokens that the cache of all slots can hold; 0 where no process was planned yet.
    """

    name: str
    state: str
    busy: int = 0
    slots: int = 0
    waiting: int = 0
    cells: int = 0


LookAtEngines = Callable[[], Sequence[EngineNow]]
"""Called when somebody looks."""
