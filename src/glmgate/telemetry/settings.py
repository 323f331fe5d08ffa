"""The settings of the logs and of OpenTelemetry, sections `[log]` and `[otel]`: types, defaults, what each means.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OtelSettings:
    """Where traces and metrics are sent by OpenTelemetry's protocol. Needs the extra: `pip install 'glmgate[otel]'`."""

    endpoint: Annotated[
        str | None, "The collector, spoken to by OTLP over HTTP, such as http://127.0.0.1:4318; unset: none."
    ] = None
    headers: Annotated[
        str | None, "Headers for it, as env:NAME or file:PATH; there stands `name=value,name=value`."
    ] = None
    service_name: Annotated[str, "What this server is called there."] = "glmgate"
    sample: Annotated[
        float, "The part of the traces beginning here that is kept, 0 to 1; others are kept as their senders say."
    ] = 1.0
    metrics: Annotated[bool, "Send metrics as well as traces."] = True
    interval_s: Annotated[float, "Seconds between two sendings of metrics."] = 60
