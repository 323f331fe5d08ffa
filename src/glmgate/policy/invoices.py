"""Invoices of services as CSV: whatever their columns are called, lines of a day, a model, tokens and an amount.

Nothing is compared here (`reconcile`). Text in, values out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final, Literal

from glmgate.errors import InvalidRequest

Column = Literal["day", "model", "input", "cached", "output", "amount", "currency"]

# What columns are called, in small letters without blanks and marks; the first of a row that is there counts.
_NAMES: Final[Mapping[Column, tuple[str, ...]]] = MappingProxyType(
    {
        "day": ("day", "date", "usagedate", "billingdate", "time", "starttime", "日期", "账期", "消费日期", "时间"),
        "model": ("model", "modelname", "modelid", "product", "item", "模型", "模型名称", "产品"),
        "input": ("inputtokens", "prompttokens", "input", "prompt", "tokensin", "输入tokens", "输入"),
        "cached": ("cachedinputtokens", "cachedtokens", "cacheinputtokens", "cachedinput", "cached", "cachereadtokens",
                   "缓存tokens", "缓存"),
        "output": ("outputtokens", "completiontokens", "output", "completion", "tokensout", "输出tokens", "输出"),
        "amount": ("amount", "cost", "charge", "fee", "price", "total", "totalcost", "totalamount", "金额", "费用",
                   "应付金额"),
        "currency": ("currency", "unit", "币种", "货币"),
    }
)  # fmt: skip
_NEEDED: Final[tuple[Column, ...]] = ("day", "model")
_MARKS: Final = re.compile(r"[\s_\-./:]+|\([^)]*\)|（[^）]*）")
_DAY: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})")
_YEARS: Final = (2000, 3000)
_MOST_DIGITS: Final = 15  # of tokens, or of units of a currency: an invoice that says more is wrong
_SIGNS: Final[Mapping[str, str]] = MappingProxyType({"$": "USD", "€": "EUR", "£": "GBP"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A line: tokens and amount are None where the invoice does not say them.

    `input` holds `cached`. `amount` is in whole units of `currency` with the decimals that were written.
    """

    number: int
    day: date
    model: str
    input: int | None = None
    cached: int | None = None
    output: int | None = None
    amount: Decimal | None = None
    currency: str | None = None


def read_invoice(text: str, *, currency: str | None = None) -> tuple[InvoiceLine, ...]:
    """The lines of an invoice; `currency` is the one of amounts that name none. Raises InvalidRequest.

    Lines without a day or a model are sums and are left out.
    """
    text = text.removeprefix("\ufeff")
    try:
        rows = list(csv.reader(text.splitlines(), _dialect(text)))
    except csv.Error as exc:
        raise InvalidRequest(f"The invoice is no CSV: {exc}.") from exc
    if not rows:
        raise InvalidRequest("The invoice is empty. It must be CSV with a line of column names.")
    places = _places(rows[0])
    lines = [_line(number, row, places, currency) for number, row in enumerate(rows[1:], start=2)]
    return tuple(line for line in lines if line is not None)


def _dialect(text: str) -> type[csv.Dialect]:
    head = text.split("\n", 1)[0]
    most = max((",", ";", "\t"), key=head.count)

    class Found(csv.excel):
        delimiter = most

    return Found


def _places(head: Sequence[str]) -> dict[Column, int]:
    folded = [_MARKS.sub("", name).casefold() for name in head]
    places: dict[Column, int] = {}
    for column, names in _NAMES.items():
        place = next((folded.index(name) for name in names if name in folded), None)
        if place is not None:
            places[column] = place
    missing = [column for column in _NEEDED if column not in places]
    if missing or not places.keys() & {"input", "output", "amount"}:
        raise InvalidRequest(
            f"The invoice has the columns {', '.join(map(repr, head))}. It must have a day, a model, and tokens or an "
            "amount; name them 'day', 'model', 'input_tokens', 'cached_tokens', 'output_tokens', 'amount', 'currency'."
        )
    return places


def _line(number: int, row: Sequence[str], places: Mapping[Column, int], currency: str | None) -> InvoiceLine | None:
    cells = {column: row[place].strip() for column, place in places.items() if place < len(row)}
    model = cells.get("model", "")
    day = _day(cells.get("day", ""), number)
    if day is None or not model:
        return None
    amount = cells.get("amount", "")
    sign = next((name for mark, name in _SIGNS.items() if mark in amount), None)
    return InvoiceLine(
        number=number,
        day=day,
        model=model,
        input=_tokens(cells.get("input", ""), number),
        cached=_tokens(cells.get("cached", ""), number),
        output=_tokens(cells.get("output", ""), number),
        amount=_number(amount, number),
        currency=cells.get("currency", "").upper() or sign or currency,
    )


def _day(cell: str, number: int) -> date | None:
    """The day that the cell begins with; None: it is none."""
    found = _DAY.match(cell)
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError as exc:
        raise InvalidRequest(f"Line {number} of the invoice has the day {cell!r}, which there is not.") from exc
    if not _YEARS[0] <= day.year < _YEARS[1]:
        raise InvalidRequest(f"Line {number} of the invoice has the day {cell!r}: nothing was asked then.")
    return day


def _tokens(cell: str, number: int) -> int | None:
    value = _number(cell, number)
    return None if value is None else int(value)


def _number(cell: str, number: int) -> Decimal | None:
    """The number, without the commas between thousands and the sign of a currency."""
    plain = re.sub(r"[,\s]|[^\d.eE+\-]", "", cell)
    if not plain:
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation as exc:
        raise InvalidRequest(f"Line {number} of the invoice has {cell!r} where a number belongs.") from exc
    if not value.is_finite() or value.adjusted() > _MOST_DIGITS:
        raise InvalidRequest(f"Line {number} of the invoice has {cell!r} where a number belongs.")
    return value
