"""The settings of the database, section `[storage]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where keys and accounts are kept."""

    url: Annotated[str, "Database URL; {home} stands for GLMGATE_HOME."] = "sqlite:///{home}/glmgate.db"
