"""How usage is shown: a table with bars for people, JSON and CSV for programs. Values in, text out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from unicodedata import east_asian_width

from glmgate.cli.chat.visible import one_line
from glmgate.cli.ledger import plain_money
from glmgate.policy.ledger import Amount
from glmgate.policy.usage import UsageRow
from glmgate.wire.delta import Usage

_LONGEST_NAME: Final = 40
_SHORTEST_NAME: Final = 12
_BAR: Final = (6, 30)
_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Shown:
    """What was found. `by` are the columns before the numbers, `day` and `hour` among them, in their order.

    `key_names` are what keys are called. `of` says whether attempts or requests are summed.
    """

    start: float
    end: float
    by: tuple[str, ...]
    rows: tuple[UsageRow, ...]
    of: Literal["attempts", "requests"]
    key_names: Mapping[str, str]

    @property
    def currencies(self) -> tuple[str, ...]:
        """All that there are, in the order of their names."""
        return tuple(sorted({amount.currency for row in self.rows for amount in row.amounts}))

    def names(self, row: UsageRow) -> dict[str, str]:
        """What the row is about, column by column."""
        found: Mapping[str, str] = {str(name): value for name, value in row.group.items()}
        return {name: found[name] if name in found else _time(name, row.start) for name in self.by}


def as_json(shown: Shown) -> str:
    """One object; times are Unix seconds, amounts decimal numbers as text."""
    rows = [
        {
            **shown.names(row),
            **({"key_name": shown.key_names.get(row.group.get("key", ""))} if "key" in shown.by else {}),
            **_numbers(row),
            "amounts": {amount.currency: plain_money(amount.amount) for amount in row.amounts},
        }
        for row in shown.rows
    ]
    whole = {"start": shown.start, "end": shown.end, "of": shown.of, "by": list(shown.by), "rows": rows}
    return json.dumps(whole, ensure_ascii=False)


def as_csv(shown: Shown) -> str:
    """A line of names, then a line for each row; each currency has a column."""
    written = io.StringIO()
    currencies = shown.currencies
    head = [
        *shown.by,
        *_numbers(UsageRow(start=0, end=0, group={})),
        *(f"amount_{each.lower()}" for each in currencies),
    ]
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(head)
    for row in shown.rows:
        amounts = _amounts(row)
        names = [_unformulated(name) for name in shown.names(row).values()]
        money = [plain_money(amounts[each]) if each in amounts else "" for each in currencies]
        writer.writerow([*names, *_numbers(row).values(), *money])
    return written.getvalue()


def as_table(shown: Shown, *, columns: int, block: str) -> str:
    """A table that is at most so many columns wide, with a sum below and bars where there is room for them.

    On a narrow terminal it has fewer numbers; money is never left out.
    """
    named = len(shown.by)
    table = [
        [*(name.upper() for name in shown.by), *_HEAD, *shown.currencies],
        *([*_labels(shown, row), *_cells(row, shown.currencies)] for row in shown.rows),
        ["all", *[""] * (named - 1), *_cells(_sum(shown), shown.currencies)],
    ]
    widths = _widths(table, named, columns)
    for less in _LESS:
        if _whole(widths) <= columns:
            break
        place = table[0].index(less)
        table = [[*row[:place], *row[place + 1 :]] for row in table]
        widths = _widths(table, named, columns)
    room = columns - _whole(widths) - len(_GAP)
    bars = _bars(shown, min(room, _BAR[1]), block) if room >= _BAR[0] else [""] * len(shown.rows)
    head, *rows, total = (_line(row, widths, named) for row in table)
    lines = [head, *(_GAP.join((row, bar)).rstrip() for row, bar in zip(rows, bars, strict=True))]
    return "\n".join([*lines, *([total] if len(rows) > 1 else []), *_remarks(shown)])


_HEAD: Final = ("REQUESTS", "CALLS", "INPUT", "CACHED", "OUTPUT")
_LESS: Final = ("CACHED", "CALLS", "REQUESTS", "OUTPUT", "INPUT")
"""What is left out first where there is no room."""


def _numbers(row: UsageRow) -> dict[str, Any]:
    usage = row.usage
    return {
        "requests": row.requests,
        "attempts": row.attempts,
        "input_tokens": usage.prompt,
        "cached_tokens": usage.cached,
        "output_tokens": usage.completion,
        "reasoning_tokens": usage.reasoning,
        "estimated": row.estimated,
        "unpriced": row.unpriced,
    }


def _cells(row: UsageRow, currencies: Sequence[str]) -> list[str]:
    about = "~" if row.estimated else ""
    usage = row.usage
    tokens = [f"{about}{usage.prompt:,}", f"{usage.cached:,}", f"{about}{usage.completion:,}"]
    amounts = _amounts(row)
    money = [f"{about}{_rounded(amounts[each])}" if each in amounts else "" for each in currencies]
    return [f"{row.requests:,}", f"{row.attempts:,}", *tokens, *money]


def _labels(shown: Shown, row: UsageRow) -> list[str]:
    """The names of a row; a key by the name that people gave it, with the beginning of its id."""
    names = shown.names(row)
    key = names.get("key")
    if key is not None and (name := shown.key_names.get(key)):
        names["key"] = f"{name} ({key[:8]})"
    return [one_line(name) for name in names.values()]


def _rounded(nano: int) -> str:
    """Money with four decimals: less than a hundredth of a cent is nothing to people."""
    return f"{nano / 10**9:,.4f}"


def _widths(table: Sequence[Sequence[str]], named: int, columns: int) -> list[int]:
    """How wide each column is. Names give way, the longest first, until all fits or they are short."""
    widths = [max(map(_width, cells)) for cells in zip(*table, strict=True)]
    widths[:named] = [min(width, _LONGEST_NAME) for width in widths[:named]]
    while _whole(widths) > columns:
        longest = max(range(named), key=lambda place: widths[place])
        if widths[longest] <= _SHORTEST_NAME:
            break
        widths[longest] -= 1
    return widths


def _whole(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Sequence[str], widths: Sequence[int], named: int) -> str:
    """Names to the left, numbers to the right."""
    shown = []
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        fitting = cell if _width(cell) <= width else f"{_cut(cell, width - 1)}…"
        blanks = " " * (width - _width(fitting))
        shown.append(fitting + blanks if place < named else blanks + fitting)
    return _GAP.join(shown)


def _cut(text: str, width: int) -> str:
    """As much of the text as goes into so many columns."""
    while _width(text) > width:
        text = text[:-1]
    return text


def _width(text: str) -> int:
    """The columns of a terminal that the text takes: people call keys in Chinese too."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(char) in {"W", "F"} else 1 for char in text)


def _bars(shown: Shown, width: int, block: str) -> list[str]:
    """A bar for each row: of money where there is one currency, else of tokens. The longest one has the whole width."""
    alone = shown.currencies[0] if len(shown.currencies) == 1 else None
    sizes = [row.usage.total if alone is None else _amounts(row).get(alone, 0) for row in shown.rows]
    most = max(sizes, default=0)
    return [block * round(width * size / most) if most > 0 else "" for size in sizes]


def _remarks(shown: Shown) -> Iterator[str]:
    estimated = sum(row.estimated for row in shown.rows)
    unpriced = sum(row.unpriced for row in shown.rows)
    calls = "requests" if shown.of == "requests" else "calls"
    if estimated:
        yield f"~ The tokens of {estimated:,} {calls} were told by no service: they are estimated."
    if unpriced:
        yield f"{unpriced:,} calls have no price and are in no amount: see [[prices]], and `glmgate reprice`."


def _sum(shown: Shown) -> UsageRow:
    amounts: dict[str, int] = {}
    for row in shown.rows:
        for currency, amount in _amounts(row).items():
            amounts[currency] = amounts.get(currency, 0) + amount
    return UsageRow(
        start=shown.start,
        end=shown.end,
        group={},
        requests=sum(row.requests for row in shown.rows),
        attempts=sum(row.attempts for row in shown.rows),
        usage=sum((row.usage for row in shown.rows), Usage()),
        amounts=tuple(Amount(currency, amount) for currency, amount in amounts.items()),
        estimated=sum(row.estimated for row in shown.rows),
    )


def _amounts(row: UsageRow) -> dict[str, int]:
    return {amount.currency: amount.amount for amount in row.amounts}


def _time(name: str, start: float) -> str:
    return datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:00" if name == "hour" else "%Y-%m-%d")


def _unformulated(text: str) -> str:
    """The text as no spreadsheet takes it for a formula: names of models can be the callers' own."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
