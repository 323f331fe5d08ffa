"""What has to be right about `[otel]` beyond the types of its values.

Whether the extra is installed is seen where it is needed (`app.sight`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from glmgate.errors import SettingsError
from glmgate.telemetry.settings import OtelSettings

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_otel(settings: OtelSettings) -> None:
    """Raises SettingsError where a collector could not be spoken to."""
    if settings.endpoint is not None:
        parts = urlsplit(settings.endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError(
                f"[otel] endpoint is {settings.endpoint!r}, it must be a URL such as http://127.0.0.1:4318."
            )
    if settings.sample > 1:
        raise SettingsError(f"[otel] sample is {settings.sample!r}, it must be a number from 0 to 1.")
    if settings.interval_s <= 0:
        raise SettingsError(f"[otel] interval_s is {settings.interval_s!r}, it must be more than 0.")


def otel_headers(text: str | None) -> Mapping[str, str]:
    """The headers of `name=value,name=value`. Raises SettingsError, which repeats no value: it may be a secret."""
    found: dict[str, str] = {}
    for place, part in enumerate((text or "").strip().split(","), start=1):
        name, equals, value = part.strip().partition("=")
        if not part.strip():
            continue
        if not equals or not _NAME.fullmatch(name.strip()) or not value.strip().isprintable():
            raise SettingsError(f"[otel] headers: part {place} is not of the form name=value.")
        found[name.strip()] = value.strip()
    return found
