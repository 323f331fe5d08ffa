"""The settings of database and ledger, sections `[storage]` and `[ledger]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

Durability = Literal["journal", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where keys and accounts are kept."""

    url: Annotated[str, "Database URL; {home} stands for GLMGATE_HOME."] = "sqlite:///{home}/glmgate.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """How the ledger is kept."""

    durability: Annotated[
        Durability,
        "`journal`: a power cut can lose the last 20 ms; `strict`: each attempt waits until its reservation is in the "
        "database, and nothing is lost.",
    ] = "journal"
