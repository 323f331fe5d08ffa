"""Re-pricing history."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.ledger import Counted
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.repricing import repriced
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.delta import Usage

JUNE = date(2026, 6, 1)
JUNE_S = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def prices(rate: int = 1_000_000_000, *, currency: str = "USD", since: date | None = None) -> Prices:
    """One price."""
    rates = Rates(prompt=rate, answer=2 * rate)
    return Prices([Price(model="glm-4.6", currency=currency, rates=rates, since=since)])


def row(charge: Charge, *, at: float = JUNE_S, model: str = "glm-4.6") -> Counted:
    """An attempt."""
    return Counted(id="u.0", at=at, upstream="zai", model=model, outcome="ok", charge=charge)


USED = Charge(usage=Usage(100, 10), units=ONE_CALL, estimated=True)


def test_a_new_price_makes_a_new_amount_of_the_same_tokens() -> None:
    """What was estimated stays estimated; the currency may change."""
    before = prices().charge("zai", "glm-4.6", JUNE_S, USED)
    (changed,) = repriced([row(before)], prices(2_000_000_000, currency="CNY"))
    assert changed.before == before
    assert (changed.after.amount, changed.after.currency) == (240_000, "CNY")
    assert (changed.after.usage, changed.after.estimated) == (USED.usage, True)


def test_a_price_holds_for_the_days_it_holds_for() -> None:
    """Those before it keep what they have."""
    later = prices(2_000_000_000, since=JUNE)
    assert not list(repriced([row(USED, at=JUNE_S - 1)], later))
    assert len(list(repriced([row(USED)], later))) == 1


def test_an_attempt_that_prices_say_nothing_of_keeps_what_it_has() -> None:
    """A price that was taken out of the file makes no history undone."""
    before = prices().charge("zai", "glm-4.6", JUNE_S, USED)
    assert not list(repriced([row(before)], Prices()))


def test_an_attempt_without_a_price_gets_one() -> None:
    """That is what re-pricing is for, most of the time."""
    (changed,) = repriced([row(USED)], prices())
    assert (changed.before.amount, changed.after.amount) == (None, 120_000)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=5), st.integers(0, 10**12))
def test_the_same_prices_change_nothing(tokens: list[tuple[int, int]], rate: int) -> None:
    """However often."""
    same = prices(rate)
    used = [Charge(usage=Usage(*each), units=ONE_CALL) for each in tokens]
    rows = [row(same.charge("zai", "glm-4.6", JUNE_S, each)) for each in used]
    assert not list(repriced(rows, same))
