"""The ledger's rows as columns: whatever a caller or a service said fits in."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.ledger import Amount, Owner
from glmgate.storage import rows
from glmgate.storage.schema import ledger, requests, series
from glmgate.wire.charge import Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Place
from tests.storage.attempts import COST, OWNER, ended, reserved, settled


@given(st.text(), st.integers(1, 50))
def test_text_is_what_every_database_holds(value: str, longest: int) -> None:
    """No NUL, no half of a pair, and not too long; what is plain stays as it is."""
    kept = rows.text(value, longest)
    assert len(kept) <= longest
    assert "\0" not in kept
    assert kept == value[:longest] or "\0" in value
    assert rows.text("half \ud83d\0", 50) == "half ??"


@given(st.integers(-(10**40), 10**40), st.integers(-(10**40), 10**40))
def test_numbers_fit_into_64_bits_a_thousand_times(count: int, amount: int) -> None:
    """A service that tells nonsense cannot keep up the ledger, nor its sums."""
    told = Charge(usage=Usage(count, count), amount=amount, currency="USD")
    row = rows.charged(told)
    for name in ("prompt_tokens", "completion_tokens", "amount"):
        assert abs(row[name]) * 1000 < 2**63
    assert row["prompt_tokens"] >= 0


def test_an_attempt_has_all_columns() -> None:
    """Reserved, and changed by what came of it; no column is forgotten or made up."""
    row = rows.reserved(reserved(), 7)
    assert set(row) == set(ledger.c.keys())
    assert (row["state"], row["amount"], row["completion_tokens"]) == ("reserved", 5000, 1000)
    change = rows.settled(settled())
    assert set(change) < set(row)
    assert (change["state"], change["outcome"], change["amount"]) == ("settled", "ok", 300)


def test_a_request_has_all_columns() -> None:
    """With the money of each currency apart."""
    row = rows.ended(ended(amounts=(Amount("CNY", 2), Amount("USD", 3))), 7)
    assert set(row) == set(requests.c.keys())
    assert msgspec.json.decode(row["amounts"]) == {"CNY": 2, "USD": 3}
    assert row["told_prompt_tokens"] == COST.usage.prompt


def test_what_the_service_said_is_kept_where_it_is_not_what_is_charged() -> None:
    """The same need not stand there twice."""
    assert rows.settled(settled(reported=COST.usage))["reported"] is None
    told = rows.settled(settled(reported=Usage(prompt=90)))["reported"]
    assert msgspec.json.decode(told, type=Usage) == Usage(prompt=90)


def test_no_price_is_no_amount() -> None:
    """That is not the same as costing nothing."""
    unpriced, free = rows.charged(Charge(usage=Usage(1, 1))), rows.charged(Charge(amount=0, currency="USD"))
    assert (unpriced["amount"], unpriced["currency"]) == (None, None)
    assert (free["amount"], free["currency"]) == (0, "USD")


def test_equal_series_have_one_id_and_others_another() -> None:
    """In every process, since it is a digest; of a request the name that was asked for is no part of it."""
    one = rows.of_attempt(reserved())
    assert one.id == rows.of_attempt(reserved(2, at=5.0)).id
    assert 0 <= one.id < 2**63
    others = [
        reserved(model="glm-4.6"),
        reserved(place=Place("zai/glm-4.6", "zai", "glm-4.6", credential=1)),
        reserved(owner=Owner(key_id="other", organisation="default", project="default")),
        reserved(endpoint="completions"),
    ]
    assert len({one.id, *(rows.of_attempt(row).id for row in others)}) == 1 + len(others)
    assert set(one._fields) | {"id"} == set(series.c.keys())
    assert rows.of_request(ended(model="made-up-1")) == rows.of_request(ended(model="made-up-2"))


def test_tags_stand_there_as_a_list() -> None:
    """Or not at all."""
    tagged = Owner(key_id="k", organisation="o", project="p", tags=("a", "b"))
    assert rows.reserved(reserved(owner=tagged), 1)["tags"] == '["a","b"]'
    assert rows.reserved(reserved(owner=OWNER), 1)["tags"] is None


def test_days_are_utc_days() -> None:
    """The last second of a day belongs to it."""
    assert [rows.day_of(at) for at in (0.0, 86399.9, 86400.0)] == [0, 0, 1]
