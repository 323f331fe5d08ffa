"""The rows of the ledger, as a journal writes them."""

from __future__ import annotations

import msgspec
import pytest

from glmgate.policy.ledger import Amount, Ended, NullJournal, Owner, Reserved, Row, Settled, amounts_of
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place

OWNER = Owner(key_id="k", organisation="o", project="p", tags=("a", "b"))
CHARGE = Charge(usage=Usage(5, 3), units=ONE_CALL, amount=7, currency="USD")
RESERVED = Reserved(
    id="u.0", request_uid="u", at=1.5, instance="i", owner=OWNER, model="m", place=Place("d", "up", "m", 1),
    endpoint="chat", surface="zai", estimate=CHARGE, prompt_bytes=20,
)  # fmt: skip
SETTLED = Settled(id="u.0", at=2.5, outcome="unknown", charge=CHARGE, seconds=1.0, reported=Usage(5, 3))
ENDED = Ended(
    uid="u", request_id="r", at=2.5, owner=OWNER, model="m", answered_by="m", endpoint="chat", surface="zai",
    ending="completed", seconds=1.0, amounts=(Amount("USD", 7),), cache_use="miss",
)  # fmt: skip


@pytest.mark.parametrize("row", [RESERVED, SETTLED, ENDED])
def test_a_row_comes_back_from_a_line(row: Row) -> None:
    """As what it was: each kind has its tag."""
    assert msgspec.json.decode(msgspec.json.encode(row), type=Reserved | Settled | Ended) == row


def test_money_is_summed_by_currency() -> None:
    """What has no price is in no sum."""
    charges = [CHARGE, CHARGE, Charge(amount=1, currency="CNY"), Charge(usage=Usage(9))]
    assert amounts_of(charges) == (Amount("CNY", 1), Amount("USD", 14))
    assert amounts_of([]) == ()


async def test_a_null_journal_takes_everything() -> None:
    """And keeps nothing."""
    journal = NullJournal()
    await journal.reserved(RESERVED)
    journal.settled(SETTLED)
    journal.ended(ENDED)
