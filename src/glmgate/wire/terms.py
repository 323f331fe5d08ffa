"""Terms: what an organisation, a project or a key may do. They travel with the caller; `policy` decides by them.

Pure values; how they are written in a file, on a command line or over HTTP is decided there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

TOKENS: Final = "tokens"
"""The unit of a budget that counts tokens and not money."""
MOST: Final = 4 * 10**15
"""The largest limit of a budget, in tokens or nano-units: stores count in doubles (Redis) and 64 bits."""

Level = Literal["organisation", "project", "key"]
Period = Literal["day", "month"]


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What may be spent in a period: `limit` is a decimal number, `unit` a currency (ISO 4217) or `tokens`.

    A `hard` budget is never overrun; a `warn` one is told of. `zone` names the time zone in which days begin (IANA).
    """

    limit: str
    unit: str
    period: Period = "month"
    mode: Literal["hard", "warn"] = "hard"
    zone: str = "UTC"


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The terms of one organisation, project or key; None and empty: nothing is said here.

    `models` are names that may be asked for (`glm-4.*` stands for all that begin so), `rpm` and `tpm` requests and
    tokens in a minute, `in_flight` requests at a time, `thinking` what holds where a request says nothing about it,
    `max_tokens` the most that an answer may have, `addresses` the networks (CIDR) that may ask, `filters` the names of
    filters of the settings, in their order, `tags` words for reports, `contents` whether messages may be logged.
    """

    models: tuple[str, ...] | None = None
    rpm: int | None = None
    tpm: int | None = None
    in_flight: int | None = None
    budgets: tuple[Budget, ...] = ()
    thinking: Literal["on", "off"] | None = None
    max_tokens: int | None = None
    addresses: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    contents: bool = False


NO_TERMS: Final = Terms()


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose terms: an organisation's, a project's or a key's. Limits and budgets are counted for each by itself."""

    level: Level
    id: str
    terms: Terms = NO_TERMS
