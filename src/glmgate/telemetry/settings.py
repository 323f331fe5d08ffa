"""The settings of the logs, section `[log]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How the server writes its log, which goes to standard error."""

    format: Annotated[Format, "`json` lines, `console` for people; `auto`: for people on a terminal."] = "auto"
    level: Annotated[Level, "The least severity that is written."] = "info"
