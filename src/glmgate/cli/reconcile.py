"""`glmgate reconcile`: an invoice beside the ledger, day by day and model by model, with what may explain the rest.

What may be the reason is decided in `policy.reconcile`; here it is asked for and told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from glmgate.cli.ledger import money, plain_money, with_ledger
from glmgate.cli.options import place
from glmgate.policy.invoices import InvoiceLine, read_invoice
from glmgate.policy.ledger import Amount
from glmgate.policy.reconcile import Difference, Reason, ReasonKind, Totals, explained
from glmgate.settings import Settings
from glmgate.settings.declared import nearest
from glmgate.storage.database import Database
from glmgate.storage.history import History

_REASONS: Final[Mapping[ReasonKind, str]] = {
    "missing_in_ledger": "the ledger has nothing of it: was it asked past this server, or by another one?",
    "missing_in_invoice": "the invoice has nothing of it: is it of another account, or not billed yet?",
    "estimated": "{count:,} calls of which the service told no tokens, {tokens:,} tokens by estimate",
    "unknown": "{count:,} calls of processes that died, {tokens:,} tokens as they were reserved",
    "cancelled": "{count:,} calls that were left before their end, {tokens:,} tokens as far as they came",
    "unpriced": "{count:,} calls without a price: see [[prices]], and `glmgate reprice`",
    "tokens": "{tokens:,} tokens that nothing in the ledger explains",
    "currency": "the two are in different currencies",
    "price": "a price that is not that of [[prices]]: {money}",
    "rounding": "rounding: {money}",
}


@click.command("reconcile")
@click.argument("invoice", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="INVOICE.csv")
@click.option("--upstream", required=True, metavar="NAME", help="Whose invoice it is: a name of [[upstreams]].")
@click.option("--currency", metavar="USD", help="The currency of amounts that name none.")
@click.option("--time-zone", default="UTC", metavar="ZONE", help="Where the invoice's days begin [UTC].")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@place
def command(
    *,
    invoice: Path,
    upstream: str,
    currency: str | None,
    time_zone: str,
    as_json: bool,
    home: Path | None,
    config: Path | None,
) -> None:
    """Explain where a service's invoice and the ledger differ, row by row.

    The invoice has a line of column names, and in each line a day, a model, and tokens or an amount.
    """
    zone = _zone(time_zone)
    lines = read_invoice(_text(invoice), currency=currency and currency.upper())
    if not lines:
        raise click.ClickException(f"{str(invoice)!r} has no line with a day and a model.")
    differences = with_ledger(
        home, config, lambda database, settings: _compared(database, settings, lines, upstream, zone)
    )
    if as_json:
        click.echo(json.dumps([_facts(each) for each in differences], ensure_ascii=False))
    elif not differences:
        click.echo(f"The ledger says the same as all {len(lines):,} lines of the invoice.")
    else:
        click.echo("\n".join(line for each in differences for line in _told(each)))


async def _compared(
    database: Database, settings: Settings, lines: Sequence[InvoiceLine], upstream: str, zone: tzinfo
) -> list[Difference]:
    known = [*(each.name for each in settings.upstreams), *(each.upstream.name for each in settings.found)]
    if upstream not in known:
        raise click.UsageError(f"--upstream {upstream!r} is no upstream{nearest(upstream, known)}")
    days = [line.day for line in lines]
    start = datetime.combine(min(days), time(), zone).timestamp()
    end = datetime.combine(max(days) + timedelta(days=1), time(), zone).timestamp()
    rows = [row async for row in History(database).counted(start, end, upstream=upstream)]
    return explained(lines, rows, upstream=upstream, prices=settings.prices, zone=zone)


def _text(path: Path) -> str:
    """The file's text, which old spreadsheets write in other encodings than UTF-8."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise click.UsageError(f"--time-zone {name!r} is no time zone; they are written as Asia/Shanghai.") from exc


def _told(each: Difference) -> Iterator[str]:
    yield f"{each.day}  {each.model}"
    yield f"  invoice  {_totals(each.invoice)}"
    yield f"  ledger   {_totals(each.ledger)}"
    apart = [f"{each.tokens:+,} tokens"] if each.tokens else []
    apart += [f"{currency} {_signed(amount)}".strip() for currency, amount in each.amounts.items() if amount]
    yield f"  differs  {', '.join(apart) or 'in parts only'}"
    yield from (f"  - {_reason(reason, each)}" for reason in each.reasons)


def _totals(totals: Totals | None) -> str:
    if totals is None:
        return "nothing"
    kinds = (("input", totals.input), ("cached", totals.cached), ("output", totals.output))
    tokens = [f"{name} {count:,}" for name, count in kinds if count is not None]
    amounts = [money(Amount(currency, amount)).strip() for currency, amount in sorted(totals.amounts.items())]
    return ", ".join([*tokens, *amounts]) or "nothing"


def _reason(reason: Reason, each: Difference) -> str:
    currency = next((name for name, amount in each.amounts.items() if amount), "")
    text = _REASONS[reason.kind]
    return text.format(count=reason.count, tokens=reason.tokens, money=f"{currency} {_signed(reason.amount)}".strip())


def _signed(amount: int) -> str:
    return f"{'-' if amount < 0 else '+'}{plain_money(abs(amount))}"


def _facts(each: Difference) -> dict[str, Any]:
    return {
        "day": each.day.isoformat(),
        "model": each.model,
        "invoice": _totals_facts(each.invoice),
        "ledger": _totals_facts(each.ledger),
        "tokens": each.tokens,
        "amounts": {currency: plain_money(amount) for currency, amount in each.amounts.items()},
        "reasons": [
            {
                "kind": reason.kind, "count": reason.count, "tokens": reason.tokens,
                "amount": plain_money(reason.amount), "text": _reason(reason, each),
            }
            for reason in each.reasons
        ],
    }  # fmt: skip


def _totals_facts(totals: Totals | None) -> dict[str, Any] | None:
    if totals is None:
        return None
    return {
        "attempts": totals.attempts,
        "input_tokens": totals.input,
        "cached_tokens": totals.cached,
        "output_tokens": totals.output,
        "amounts": {currency: plain_money(amount) for currency, amount in sorted(totals.amounts.items())},
    }
