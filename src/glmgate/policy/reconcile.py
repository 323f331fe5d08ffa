"""An invoice beside the ledger: for each day and model what differs, and what may be the reason.

Values in, values out; how they are shown is the command's. Days are of the invoice's time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Final, Literal

from glmgate.policy.invoices import InvoiceLine
from glmgate.policy.ledger import Counted
from glmgate.policy.prices import Prices
from glmgate.wire.charge import NANO, Units
from glmgate.wire.delta import Usage

ReasonKind = Literal[
    "missing_in_ledger",
    "missing_in_invoice",
    "estimated",
    "unknown",
    "cancelled",
    "unpriced",
    "tokens",
    "currency",
    "price",
    "rounding",
]
"""Why the two may differ. `estimated`, `unknown` and `cancelled` are attempts whose tokens nobody told to their end;
`tokens` is what even those do not explain."""

Key = tuple[date, str]

_DOUBTS: Final[tuple[ReasonKind, ...]] = ("unknown", "estimated", "cancelled")
_AT_NOON: Final = 12


@dataclass(slots=True)
class Totals:
    """What one of the two says of a day and a model.

    `input`, `cached` and `output` are None where it says nothing of them; amounts are nano-units by currency ("" where
    the invoice names none). `attempts` are the ledger's attempts or the invoice's lines; `exact_to` is how many
    nano-units the amounts may be off by rounding alone.
    """

    attempts: int = 0
    input: int | None = None
    cached: int | None = None
    output: int | None = None
    amounts: dict[str, int] = field(default_factory=dict)
    exact_to: int = 0

    def add(self, *, tokens: tuple[int | None, int | None, int | None], exact_to: int) -> None:
        """Take one attempt or line, without its amount."""
        self.attempts += 1
        self.exact_to += exact_to
        self.input = _sum(self.input, tokens[0])
        self.cached = _sum(self.cached, tokens[1])
        self.output = _sum(self.output, tokens[2])


@dataclass(slots=True)
class LedgerTotals(Totals):
    """The ledger's, with the attempts that are in doubt by their kind (each in one): how many, and their tokens."""

    doubts: dict[ReasonKind, tuple[int, int]] = field(default_factory=dict)
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why they may differ: how many attempts (or lines) and tokens it is about, and nano-units where it is money."""

    kind: ReasonKind
    count: int = 0
    tokens: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A day and a model on which the two differ. Positive numbers: the invoice says more than the ledger."""

    day: date
    model: str
    invoice: Totals | None
    ledger: LedgerTotals | None
    tokens: int
    amounts: Mapping[str, int]
    reasons: tuple[Reason, ...]


def ledger_totals(rows: Iterable[Counted], zone: tzinfo = UTC) -> dict[Key, LedgerTotals]:
    """The ledger's attempts by day (of `zone`) and model."""
    found: dict[Key, LedgerTotals] = {}
    for row in rows:
        day = datetime.fromtimestamp(row.at, zone).date()
        _count(found.setdefault((day, row.model.casefold()), LedgerTotals()), row)
    return found


def invoice_totals(lines: Iterable[InvoiceLine]) -> dict[Key, Totals]:
    """The invoice's lines by day and model."""
    found: dict[Key, Totals] = {}
    for line in lines:
        totals = found.setdefault((line.day, line.model.casefold()), Totals())
        totals.add(tokens=(line.input, line.cached, line.output), exact_to=_half_digit(line.amount))
        if line.amount is not None:
            currency = line.currency or ""
            totals.amounts[currency] = totals.amounts.get(currency, 0) + round(line.amount * NANO)
    return found


def explained(
    lines: Sequence[InvoiceLine],
    rows: Iterable[Counted],
    *,
    upstream: str,
    prices: Prices,
    zone: tzinfo = UTC,
) -> list[Difference]:
    """Where the invoice of `upstream` and the ledger's rows of it differ, in the order of days and models.

    `prices` say whether the invoice's amounts are those that its own tokens make.
    """
    invoice, ledger = invoice_totals(lines), ledger_totals(rows, zone)
    names = {row.casefold(): row for row in (line.model for line in lines)}
    found = []
    for day, model in sorted({**invoice, **ledger}):
        theirs, ours = invoice.get((day, model)), ledger.get((day, model))
        at = datetime(day.year, day.month, day.day, _AT_NOON, tzinfo=zone).timestamp()
        should = _Should(prices, upstream, model, at)
        difference = _difference(day, names.get(model, model), theirs, ours, should)
        if difference.reasons:
            found.append(difference)
    return found


@dataclass(frozen=True, slots=True)
class _Should:
    """What tokens cost by the prices of one model on one day."""

    prices: Prices
    upstream: str
    model: str
    at: float

    def amount(self, totals: Totals) -> tuple[str, int] | None:
        """The currency, and what the totals' own tokens cost in it; None where that cannot be known."""
        price = self.prices.price(self.upstream, self.model, self.at)
        if price is None or totals.input is None or totals.output is None:
            return None
        rates = price.rates
        if rates.call or rates.image or rates.second or rates.reasoning not in {None, rates.answer}:
            return None  # an invoice says nothing of these
        cached = min(totals.cached or 0, totals.input)
        return price.currency, rates.amount(Usage(totals.input, totals.output, cached), Units())


def _difference(day: date, model: str, theirs: Totals | None, ours: LedgerTotals | None, should: _Should) -> Difference:
    tokens = _tokens_apart(theirs, ours)
    amounts = _amounts_apart(theirs, ours)
    reasons: list[Reason] = []
    if ours is None and theirs is not None:
        reasons.append(Reason("missing_in_ledger", theirs.attempts, tokens))
    elif theirs is None and ours is not None:
        reasons.append(Reason("missing_in_invoice", ours.attempts, tokens))
    elif theirs is not None and ours is not None:
        gap = _gap(theirs, ours)
        reasons += _of_tokens(gap, ours)
        reasons += _of_money(theirs, ours, amounts, should, tokens_differ=gap > 0)
    return Difference(
        day=day, model=model, invoice=theirs, ledger=ours, tokens=tokens, amounts=amounts, reasons=tuple(reasons)
    )


def _of_tokens(gap: int, ours: LedgerTotals) -> list[Reason]:
    """Attempts in doubt may stand for a difference as large as they are; the rest is not explained."""
    if gap == 0:
        return []
    doubts = [Reason(kind, *ours.doubts[kind]) for kind in _DOUBTS if kind in ours.doubts]
    rest = gap - sum(reason.tokens for reason in doubts)
    return [*doubts, Reason("tokens", tokens=rest)] if rest > 0 else doubts


def _of_money(
    theirs: Totals, ours: LedgerTotals, apart: Mapping[str, int], should: _Should, *, tokens_differ: bool
) -> list[Reason]:
    unpriced = [Reason("unpriced", ours.unpriced)] if ours.unpriced else []
    if ours.amounts and theirs.amounts and not ours.amounts.keys() & _named(theirs, ours).keys():
        return [*unpriced, Reason("currency", ours.attempts)]
    # Where tokens differ or prices are missing, amounts differ for that alone.
    is_due = tokens_differ or bool(unpriced)
    found = (
        _of_amount(theirs, ours, _off(theirs, currency, should), amount, is_due=is_due)
        for currency, amount in apart.items()
        if amount
    )
    return [*unpriced, *(reason for reason in found if reason is not None)]


def _of_amount(theirs: Totals, ours: LedgerTotals, off: int | None, apart: int, *, is_due: bool) -> Reason | None:
    """Why one currency's amounts are `apart`; `off` is by how much the invoice's is not what its own tokens cost."""
    margin = theirs.exact_to + ours.exact_to
    if not is_due and abs(apart) <= margin:
        return Reason("rounding", ours.attempts, amount=apart)
    if off is not None and abs(off) > margin:
        return Reason("price", theirs.attempts, amount=off)
    # Otherwise the invoice keeps to the prices that are set, and it is the ledger that was made with others.
    return None if is_due else Reason("price", ours.attempts, amount=apart)


def _off(theirs: Totals, currency: str, should: _Should) -> int | None:
    """By how much the invoice's amount is not what its own tokens cost; None where that cannot be known."""
    expected = should.amount(theirs)
    if expected is None or expected[0] != currency:
        return None
    return _named_amount(theirs, currency) - expected[1]


def _named(theirs: Totals, ours: LedgerTotals) -> dict[str, int]:
    """The invoice's amounts; those without a currency are in the ledger's, where it has one only."""
    if "" in theirs.amounts and len(ours.amounts) == 1:
        (currency,) = ours.amounts
        return {currency: sum(theirs.amounts.get(name, 0) for name in {"", currency})}
    return theirs.amounts


def _named_amount(theirs: Totals, currency: str) -> int:
    return theirs.amounts.get(currency, 0) + theirs.amounts.get("", 0)


def _amounts_apart(theirs: Totals | None, ours: LedgerTotals | None) -> dict[str, int]:
    invoice, ledger = theirs or Totals(), ours or LedgerTotals()
    if not invoice.amounts and theirs is not None:
        return {}  # an invoice of tokens alone
    named = _named(invoice, ledger)
    currencies = sorted({*named, *ledger.amounts})
    return {currency: named.get(currency, 0) - ledger.amounts.get(currency, 0) for currency in currencies}


def _tokens_apart(theirs: Totals | None, ours: LedgerTotals | None) -> int:
    """The invoice's tokens less the ledger's, of those kinds that the invoice has."""
    invoice, ledger = theirs or Totals(), ours or LedgerTotals()
    kinds = ((invoice.input, ledger.input), (invoice.output, ledger.output))
    if theirs is None:
        return -sum(own or 0 for _, own in kinds)
    return sum(their - (own or 0) for their, own in kinds if their is not None)


def _gap(theirs: Totals, ours: LedgerTotals) -> int:
    """The tokens by which the two differ, whichever says more, of those kinds that the invoice has.

    Cached ones are a part of the input: they count where they differ by more than it does.
    """

    def apart(their: int | None, own: int | None) -> int:
        return 0 if their is None else abs(their - (own or 0))

    read = max(apart(theirs.input, ours.input), apart(theirs.cached, ours.cached))
    return read + apart(theirs.output, ours.output)


def _count(totals: LedgerTotals, row: Counted) -> None:
    charge = row.charge
    usage = charge.usage
    totals.add(tokens=(usage.prompt, usage.cached, usage.completion), exact_to=1)
    if charge.amount is not None and charge.currency is not None:
        totals.amounts[charge.currency] = totals.amounts.get(charge.currency, 0) + charge.amount
    elif usage.total or charge.units.calls:
        totals.unpriced += 1
    kind = _doubt(row)
    if kind is not None:
        count, tokens = totals.doubts.get(kind, (0, 0))
        totals.doubts[kind] = count + 1, tokens + usage.total


def _doubt(row: Counted) -> ReasonKind | None:
    if row.outcome == "unknown":
        return "unknown"
    if row.outcome == "cancelled":
        return "cancelled"
    return "estimated" if row.charge.estimated else None


def _half_digit(amount: Decimal | None) -> int:
    """Half of an amount's last digit, in nano-units: so much may be hidden; never more than half a hundredth."""
    exponent = None if amount is None else amount.as_tuple().exponent
    return int(Decimal(5).scaleb(min(exponent, -2) + 8)) if isinstance(exponent, int) else 0


def _sum(one: int | None, other: int | None) -> int | None:
    return (one or 0) + other if other is not None else one
