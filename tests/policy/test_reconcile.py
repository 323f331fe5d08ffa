"""An invoice beside the ledger: what differs, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from glmgate.policy.invoices import read_invoice
from glmgate.policy.ledger import Counted, Settlement
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.reconcile import Difference, Reason, explained
from glmgate.wire.charge import NANO, ONE_CALL, Charge
from glmgate.wire.delta import Usage

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
# 1 for a million tokens of prompts, 2 for answers
PRICES = Prices([Price(model="glm-4.6", currency="USD", rates=Rates(prompt=NANO, answer=2 * NANO, cached=NANO // 10))])


def row(
    prompt: int = 1_000_000,
    completion: int = 500_000,
    *,
    outcome: Settlement = "ok",
    estimated: bool = False,
    model: str = "glm-4.6",
    prices: Prices = PRICES,
    at: float = NOON,
) -> Counted:
    """An attempt of the ledger: 2 USD, unless something else is said."""
    used = Charge(usage=Usage(prompt, completion), units=ONE_CALL, estimated=estimated)
    charge = prices.charge("zai", model, at, used)
    return Counted(id="u.0", at=at, upstream="zai", model=model, outcome=outcome, charge=charge)


def compared(line: str, *rows: Counted, head: str = "day,model,input,output,amount,currency") -> list[Difference]:
    """What differs from an invoice of these lines."""
    return explained(read_invoice(f"{head}\n{line}\n"), rows, upstream="zai", prices=PRICES)


def reasons(line: str, *rows: Counted) -> tuple[Reason, ...]:
    """Why the only day differs; nothing where it does not."""
    found = compared(line, *rows)
    return found[0].reasons if found else ()


SAME = "2026-06-01,GLM-4.6,1000000,500000,2.00,USD"


def test_what_agrees_is_no_difference() -> None:
    """Tokens, and the amount to the digits that the invoice has."""
    assert compared(SAME, row()) == []
    assert compared("2026-06-01,glm-4.6,2000000,1000000,4.00,USD", row(), row()) == []


def test_what_stands_on_one_side_only_is_missing_on_the_other() -> None:
    """By day and model."""
    in_invoice, in_ledger = compared(SAME, row(model="glm-5"))
    assert (in_invoice.model, in_invoice.day, in_invoice.ledger) == ("GLM-4.6", DAY, None)
    assert in_invoice.reasons == (Reason("missing_in_ledger", 1, 1_500_000),)
    assert in_invoice.amounts == {"USD": 2 * NANO}
    assert (in_ledger.model, in_ledger.invoice) == ("glm-5", None)
    assert in_ledger.reasons == (Reason("missing_in_invoice", 1, -1_500_000),)


def test_tokens_that_differ_may_be_those_of_attempts_in_doubt() -> None:
    """Whose process died, that were estimated, that were left."""
    doubted = [
        row(1000, 0, outcome="unknown", estimated=True),
        row(2000, 0, estimated=True),
        row(3000, 0, outcome="cancelled", estimated=True),
    ]
    found = reasons("2026-06-01,glm-4.6,1007000,500000,2.007,USD", row(), *doubted)
    assert found == (Reason("unknown", 1, 1000), Reason("estimated", 1, 2000), Reason("cancelled", 1, 3000))


def test_what_even_those_do_not_explain_is_told() -> None:
    """As a number of tokens."""
    found = reasons("2026-06-01,glm-4.6,1010000,500000,2.01,USD", row(), row(1000, 0, estimated=True))
    assert found == (Reason("estimated", 1, 1000), Reason("tokens", tokens=8000))


def test_kinds_of_tokens_that_make_up_for_each_other_still_differ() -> None:
    """One more here and one less there is not nothing."""
    (found,) = compared("2026-06-01,glm-4.6,1000001,499999,2.00,USD", row())
    assert found.tokens == 0
    assert Reason("tokens", tokens=2) in found.reasons


def test_an_amount_that_its_own_tokens_do_not_make_is_another_price() -> None:
    """By so much; whether the tokens agree or not."""
    assert reasons("2026-06-01,glm-4.6,1000000,500000,3.00,USD", row()) == (Reason("price", 1, amount=NANO),)
    found = reasons("2026-06-01,glm-4.6,2000000,500000,4.00,USD", row())
    assert found == (Reason("tokens", tokens=1_000_000), Reason("price", 1, amount=NANO))


def test_a_ledger_that_was_made_with_other_prices_differs_in_price() -> None:
    """The invoice keeps to those that are set now."""
    rates = Rates(prompt=2 * NANO, answer=2 * NANO)
    old = Prices([Price(model="glm-4.6", currency="USD", rates=rates)])
    assert reasons(SAME, row(prices=old)) == (Reason("price", 1, amount=-NANO),)


def test_an_amount_that_is_off_by_its_digits_is_rounded() -> None:
    """Half of its last digit, and half a nano-unit for each attempt."""
    assert reasons("2026-06-01,glm-4.6,1000000,500123,2.00,USD", row(completion=500_123)) == (
        Reason("rounding", 1, amount=-246_000),
    )
    assert reasons("2026-06-01,glm-4.6,1000000,500000,2,USD", row()) == ()


def test_currencies_are_told_apart() -> None:
    """An invoice in another one cannot be compared; one that names none is in the ledger's."""
    assert reasons("2026-06-01,glm-4.6,1000000,500000,2.00,CNY", row()) == (Reason("currency", 1),)
    assert reasons("2026-06-01,glm-4.6,1000000,500000,2.00,", row()) == ()


def test_attempts_without_a_price_are_told() -> None:
    """Their amount is missing, not zero."""
    found = reasons(SAME, row(prices=Prices()))
    assert found == (Reason("unpriced", 1),)


def test_an_invoice_of_amounts_or_of_tokens_alone_is_compared_by_what_it_has() -> None:
    """The rest says nothing."""
    assert compared("2026-06-01,glm-4.6,2.00", row(), head="day,model,amount") == []
    (found,) = compared("2026-06-01,glm-4.6,2.50", row(), head="day,model,amount")
    assert found.reasons == (Reason("price", 1, amount=NANO // 2),)
    assert compared("2026-06-01,glm-4.6,1000000,500000", row(), head="day,model,input,output") == []
    (cached,) = compared("2026-06-01,glm-4.6,10,1000000,500000", row(), head="day,model,cached,input,output")
    assert cached.reasons == (Reason("tokens", tokens=10),)
    (both,) = compared("2026-06-01,glm-4.6,10,1000030,500000", row(), head="day,model,cached,input,output")
    assert both.reasons == (Reason("tokens", tokens=30),)  # cached tokens are a part of the input


def test_days_are_those_of_the_invoices_zone() -> None:
    """Half of the evening belongs to the next day in Beijing."""
    late = datetime(2026, 5, 31, 20, tzinfo=UTC).timestamp()
    beijing = timezone(timedelta(hours=8))
    lines = read_invoice(f"day,model,input,output,amount,currency\n{SAME}\n")
    assert explained(lines, [row(at=late)], upstream="zai", prices=PRICES, zone=beijing) == []
    assert len(explained(lines, [row(at=late)], upstream="zai", prices=PRICES)) == 2
