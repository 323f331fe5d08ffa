"""Terms as people write them: what is given is checked, made regular, and put over what was there.

The same words for a command line and for HTTP; the values themselves are `wire.terms`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.wire.charge import NANO
from glmgate.wire.terms import MOST, NO_TERMS, TOKENS, Budget, Terms

NAMES: Final = Terms.__struct_fields__
"""What terms may say."""

_MOST: Final = 1_000
"""Of each list; a request goes through all of them."""
_GREATEST: Final = 2**53 - 1
"""What every JSON reader keeps exactly."""
_PLACES: Final = 9
"""Money is counted in nano-units."""
_NANO_UNIT: Final = Decimal(1).scaleb(-_PLACES)
_NUMBERS: Final = ("rpm", "tpm", "in_flight", "max_tokens")
_MODEL: Final = re.compile(r"[^\s*,]{1,200}\*?|\*")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,63}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_BUDGET: Final = re.compile(
    r"(?P<limit>[0-9.]+)\s*(?P<unit>[A-Za-z]+)/(?P<period>[a-z]+)(?::(?P<mode>[a-z]+))?(?:@(?P<zone>\S+))?"
)
_MEMBER: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


def changed(before: Terms, changes: Mapping[str, Any], *, where: str = "terms") -> Terms:
    """`before` with `changes` put over it: plain values as in JSON, and None takes back what was said.

    InvalidRequest, with the member's path from `where` on as `param`, when a name is unknown or a value makes no sense.
    """
    for name in changes:
        if name not in NAMES:
            raise InvalidRequest(_unknown(name), param=f"{where}.{name}", code="unknown_parameter")
    kept = {name: value for name, value in plain(before).items() if name not in changes}
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        after = msgspec.convert(kept | given, Terms)
    except msgspec.ValidationError as exc:
        raise _mistyped(str(exc), where) from exc
    return checked(after, where=where)


def plain(terms: Terms) -> dict[str, Any]:
    """What is said in `terms`, as plain values."""
    value: dict[str, Any] = msgspec.to_builtins(terms)
    return value


def checked(terms: Terms, *, where: str = "terms") -> Terms:
    """`terms` in their regular form. InvalidRequest when something in them makes no sense."""
    for name in _NUMBERS:
        number = getattr(terms, name)
        if number is not None and not 1 <= number <= _GREATEST:
            why = f"{number!r} is no number of at least 1 and at most {_GREATEST}; null means no limit"
            raise _wrong(where, name, why)
    if terms.models == ():
        raise _wrong(where, "models", "an empty list would allow nothing; null allows every model")
    return msgspec.structs.replace(
        terms,
        models=None if terms.models is None else _each(terms.models, _model, where, "models"),
        budgets=_budgets(terms.budgets, where),
        addresses=_each(terms.addresses, _address, where, "addresses"),
        filters=_each(terms.filters, _word, where, "filters"),
        tags=_each(terms.tags, _word, where, "tags"),
    )


def budget_of(text: str) -> Budget:
    """The budget that is written as `10USD/day`, `1000000tokens/month:warn` or `10EUR/day@Europe/Paris`."""
    match = _BUDGET.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(
            f"{text!r} is no budget: write LIMIT UNIT/PERIOD, such as 10USD/day, 1000000tokens/month:warn "
            "or 10EUR/day@Europe/Paris.",
            param="budgets",
        )
    given = {name: value for name, value in match.groupdict().items() if value is not None}
    return changed(NO_TERMS, {"budgets": [given]}, where="").budgets[0]


def budget_text(budget: Budget) -> str:
    """A budget as `budget_of` reads it."""
    mode = "" if budget.mode == "hard" else f":{budget.mode}"
    zone = "" if budget.zone == "UTC" else f"@{budget.zone}"
    return f"{budget.limit}{budget.unit}/{budget.period}{mode}{zone}"


def _budgets(budgets: Sequence[Budget], where: str) -> tuple[Budget, ...]:
    _count(budgets, where, "budgets")
    found = tuple(_budget(budget, _path(where, f"budgets[{place}]")) for place, budget in enumerate(budgets))
    kinds = [(budget.unit, budget.period, budget.mode) for budget in found]
    for place, kind in enumerate(kinds):
        if kind in kinds[:place]:
            unit, period, mode = kind
            raise _wrong(where, f"budgets[{place}]", f"there are two {mode} budgets of {unit} for a {period}")
    return found


def _budget(budget: Budget, where: str) -> Budget:
    unit = TOKENS if budget.unit.lower() == TOKENS else budget.unit.upper()
    if unit != TOKENS and not _CURRENCY.fullmatch(unit):
        raise _wrong(where, "unit", f"{budget.unit!r} is neither a currency of three letters (USD) nor {TOKENS!r}")
    return msgspec.structs.replace(
        budget, limit=_limit(budget.limit, unit, where), unit=unit, zone=_zone(budget, where)
    )


def _limit(text: str, unit: str, where: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise _wrong(where, "limit", f"{text!r} is no decimal number above 0, such as '12.50'")
    most = MOST if unit == TOKENS else MOST // NANO
    if number > most:
        raise _wrong(where, "limit", f"{text!r} is more than {most} {unit}, which is the most that is counted")
    if unit == TOKENS and number % 1:
        raise _wrong(where, "limit", f"{text!r} is no whole number of tokens")
    if number < _NANO_UNIT or number % _NANO_UNIT:
        raise _wrong(where, "limit", f"{text!r} has more than {_PLACES} decimal places")
    return f"{number.normalize():f}"


def _zone(budget: Budget, where: str) -> str:
    if budget.zone == "UTC":
        return "UTC"
    try:
        return ZoneInfo(budget.zone).key
    except (OSError, ValueError, LookupError) as exc:  # what it raises for a name depends on what is wrong with it
        raise _wrong(
            where, "zone", f"{budget.zone!r} is no time zone that this machine knows, such as Europe/Paris"
        ) from exc


def _each(values: Sequence[str], regular: Callable[[str], str], where: str, name: str) -> tuple[str, ...]:
    """Every value in its regular form, once."""
    _count(values, where, name)
    found: dict[str, None] = {}
    for place, value in enumerate(values):
        try:
            found[regular(value)] = None
        except ValueError as exc:
            raise _wrong(where, f"{name}[{place}]", str(exc)) from exc
    return tuple(found)


def _count(values: Sequence[object], where: str, name: str) -> None:
    if len(values) > _MOST:
        raise _wrong(where, name, f"{len(values)} are too many, {_MOST} are the most")


def _model(text: str) -> str:
    if not _MODEL.fullmatch(text):
        raise ValueError(f"{text!r} is no model's name; a * may stand at its end only, for all that begin so")
    return text


def _address(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as exc:
        raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8: {exc}") from exc


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(f"{text!r} is no word of 1 to 64 letters, digits and . _ : / @ + -")
    return text


def _mistyped(said: str, where: str) -> InvalidRequest:
    """msgspec's message as ours."""
    match = _MEMBER.search(said)
    path = "" if match is None else match["path"]
    what = (said if match is None else said[: match.start()]).replace("`", "").replace(" | null", "")
    at = _path(where, path)
    return InvalidRequest(f"{at}: {what}.", param=at, code="invalid_type")


def _wrong(where: str, name: str, why: str) -> InvalidRequest:
    at = _path(where, name)
    return InvalidRequest(f"{at}: {why}.", param=at)


def _path(where: str, name: str) -> str:
    return ".".join(part for part in (where, name) if part)


def _unknown(name: str) -> str:
    return f"There are no terms called {name!r}{_known(name, NAMES)}"


def _known(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f". Do you mean {near[0]!r}?" if near else f". Known are: {', '.join(names)}."
