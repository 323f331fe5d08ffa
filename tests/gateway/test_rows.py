"""Requests that have ended, as rows of the ledger."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.gateway.rows import EndedRows, ended
from glmgate.policy.ledger import Amount, Ended, Owner
from glmgate.telemetry.record import RequestRecord
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.delta import Usage
from tests.fakes.journal import FakeJournal
from tests.telemetry.records import flight


def record(*charges: Charge) -> RequestRecord:
    """A request with these attempts."""
    return RequestRecord(
        request_id="r-1",
        key_id="k-1",
        surface="openai",
        endpoint="chat",
        model="glm",
        deployment="glm-4.6",
        ending="completed",
        usage=Usage(5, 3),
        total_s=2.0,
        first_s=0.5,
        error_code=None,
        uid="u-1",
        organisation="acme",
        project="web",
        tags=("eu",),
        charges=charges,
    )


def charge(amount: int | None, currency: str | None = "USD", *, estimated: bool = False) -> Charge:
    """An attempt of seven tokens."""
    return Charge(usage=Usage(5, 2), units=ONE_CALL, amount=amount, currency=currency, estimated=estimated)


def test_a_request_is_put_down_when_it_has_ended() -> None:
    """With whose it is, and when."""
    journal = FakeJournal()
    rows = EndedRows(journal, clock=lambda: 1e9)
    rows.began(flight())
    assert journal.ends == []
    rows.ended(record(charge(100)))
    assert journal.ends == [
        Ended(
            uid="u-1",
            request_id="r-1",
            at=1e9,
            owner=Owner(key_id="k-1", organisation="acme", project="web", tags=("eu",)),
            model="glm",
            answered_by="glm-4.6",
            endpoint="chat",
            surface="openai",
            ending="completed",
            seconds=2.0,
            first_s=0.5,
            attempts=1,
            usage=Usage(5, 3),
            billed=Usage(5, 2),
            amounts=(Amount("USD", 100),),
        )
    ]


def test_currencies_are_not_mixed_and_what_has_no_price_is_counted() -> None:
    """A refusal without a price cost nothing, and is not missing anything."""
    row = ended(record(charge(1), charge(2, "CNY"), charge(3), charge(None, None, estimated=True), Charge()), at=0)
    assert row.amounts == (Amount("CNY", 2), Amount("USD", 4))
    assert (row.attempts, row.unpriced, row.estimated, row.billed) == (5, 1, True, Usage(20, 8))


def test_an_answer_of_the_cache_costs_nothing() -> None:
    """It has no attempts."""
    row = ended(record(), at=0)
    assert (row.attempts, row.billed, row.amounts, row.usage) == (0, Usage(), (), Usage(5, 3))


CHARGES = st.builds(
    Charge,
    usage=st.builds(Usage, st.integers(0, 99), st.integers(0, 99)),
    amount=st.integers(0, 10**12),
    currency=st.sampled_from(["USD", "CNY"]),
)


@given(st.lists(CHARGES, max_size=6))
def test_a_request_costs_what_its_attempts_cost(charges: list[Charge]) -> None:
    """To the nano-unit, in each currency."""
    row = ended(record(*charges), at=0)
    for currency in ("USD", "CNY"):
        parts = sum(each.amount or 0 for each in charges if each.currency == currency)
        assert sum(each.amount for each in row.amounts if each.currency == currency) == parts
    assert row.billed == sum((each.usage for each in charges), Usage())
