"""The settings of database and ledger, sections `[storage]` and `[ledger]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

Durability = Literal["journal", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where keys and accounts are kept."""

    url: Annotated[
        str,
        "Database URL, sqlite:///PATH or postgresql://USER@HOST/NAME; {home} stands for GLMGATE_HOME. One with a "
        "password by reference: env:NAME or file:PATH.",
    ] = field(default="sqlite:///{home}/glmgate.db", repr=False)  # it may hold a password
    redis_url: Annotated[
        str | None,
        "A Redis or Valkey server that counts limits and budgets: redis://, rediss:// or unix://; or by reference.",
    ] = field(default=None, repr=False)
    redis_prefix: Annotated[str, "What the names of all keys there begin with."] = "glmgate:"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How long details are kept: `glmgate db prune` deletes what is older. Sums by day stay for ever."""

    ledger_days: Annotated[int, "Days that the ledger's attempts are kept, at least 62; 0: for ever."] = 400
    requests_days: Annotated[int, "Days that requests and their endings are kept; 0: for ever."] = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """How the ledger is kept."""

    durability: Annotated[
        Durability,
        "`journal`: a power cut can lose the last 20 ms; `strict`: each attempt waits until its reservation is in the "
        "database, and nothing is lost.",
    ] = "journal"
