"""`[[prices]]`: what the models of upstreams cost, from which day on.

Which price holds for an attempt, and what it makes of one, is decided in `glmgate.policy.prices`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Final

from glmgate.errors import SettingsError
from glmgate.policy.prices import OWN, Price, Prices, Rates, nano
from glmgate.settings.declared import nearest
from glmgate.settings.tables import table

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)

_Amount = str | float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """A table of `[[prices]]`, as it stands in the file."""

    model: Annotated[str, "The upstream's name for the model; a star at the end stands for the rest of a name."]
    currency: Annotated[str, "The currency, in the three letters of ISO 4217, such as `USD` or `CNY`."]
    upstream: Annotated[str | None, "The name of an upstream; unset: every one."] = None
    local: Annotated[bool, "The price of a local model, in place of an upstream's."] = False
    since: Annotated[date | None, "The day from which on it holds, from 0:00 UTC; unset: always."] = None
    input: Annotated[_Amount, "For a million tokens of prompts."] = 0
    cached_input: Annotated[_Amount | None, "For a million tokens that were in its cache; unset: as `input`."] = None
    output: Annotated[_Amount, "For a million tokens of answers."] = 0
    reasoning: Annotated[_Amount | None, "For a million tokens of reasoning; unset: as `output`."] = None
    call: Annotated[_Amount, "For each call."] = 0
    image: Annotated[_Amount, "For each image that is made."] = 0
    second: Annotated[_Amount, "For each second of sound or video."] = 0


def prices(tables: Iterable[Mapping[str, object]], upstreams: Sequence[str], *, file: Path) -> Prices:
    """The prices of a settings file; `upstreams` are the names of those there are. Raises SettingsError."""
    found = []
    for place, given in enumerate(tables, start=1):
        where = f"{file}: [[prices]] {place}:"
        found.append(_price(table(PriceTable, given, where=where, base=file.parent), upstreams, where))
    try:
        return Prices(found)
    except SettingsError as exc:
        raise SettingsError(f"{file}: [[prices]]: {exc}") from exc


def _price(given: PriceTable, upstreams: Sequence[str], where: str) -> Price:
    if not _CURRENCY.fullmatch(given.currency):
        raise SettingsError(f"{where} currency is {given.currency!r}, it must be three capital letters such as 'USD'.")
    if not given.model.strip() or "*" in given.model[:-1]:
        raise SettingsError(f"{where} model is {given.model!r}: give a name; a star may stand at its end only.")
    return Price(
        model=given.model,
        currency=given.currency,
        upstream=_upstream(given, upstreams, where),
        since=given.since,
        rates=Rates(
            prompt=_nano(given.input, "input", where),
            answer=_nano(given.output, "output", where),
            cached=None if given.cached_input is None else _nano(given.cached_input, "cached_input", where),
            reasoning=None if given.reasoning is None else _nano(given.reasoning, "reasoning", where),
            call=_nano(given.call, "call", where),
            image=_nano(given.image, "image", where),
            second=_nano(given.second, "second", where),
        ),
    )


def _upstream(given: PriceTable, upstreams: Sequence[str], where: str) -> str | None:
    """The upstream's name as it is written where it stands."""
    if given.local:
        if given.upstream is not None:
            raise SettingsError(f"{where} is of a local model and names the upstream {given.upstream!r}: keep one.")
        return OWN
    if given.upstream is None:
        return None
    there = {name.casefold(): name for name in upstreams}
    if (found := there.get(given.upstream.casefold())) is not None:
        return found
    listed = nearest(given.upstream, sorted(upstreams)) if upstreams else ". There are no [[upstreams]]."
    raise SettingsError(f"{where} upstream is {given.upstream!r}, which is no upstream{listed}")


def _nano(given: _Amount, name: str, where: str) -> int:
    """The amount as it was written: a number's shortest spelling is what stands in the file."""
    try:
        return nano(Decimal(given if isinstance(given, str) else repr(given)))
    except InvalidOperation as exc:
        raise SettingsError(f"{where} {name} is {given!r}, it must be a number such as 0.6 or '0.6'.") from exc
    except ValueError as exc:
        raise SettingsError(f"{where} {name} is {given!r}: {exc}.") from exc
