"""Questions to the ledger: which time they are about, and what rows can have in common."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import InvalidRequest
from glmgate.policy.usage import OF_ATTEMPTS, OF_REQUESTS, SECONDS, UsageQuery, Width

DAY = 86400.0


def test_bounds_are_widened_to_whole_buckets() -> None:
    """Half an hour across midnight touches two days."""
    query = UsageQuery(DAY - 900, DAY + 900)
    assert list(query.span) == [0, 2 * DAY]
    assert list(query.buckets()) == [(0, DAY), (DAY, 2 * DAY)]


def test_bounds_on_a_border_stay() -> None:
    """A day from its beginning to its end is one bucket."""
    assert list(UsageQuery(DAY, 2 * DAY).buckets()) == [(DAY, 2 * DAY)]


def test_one_bucket_for_all_has_the_bounds_that_were_given() -> None:
    """A budget's period need not begin at midnight UTC."""
    assert list(UsageQuery(10.5, 99.25, "all").buckets()) == [(10.5, 99.25)]


def test_an_empty_time_has_no_bucket() -> None:
    """Neither in minutes nor as a whole."""
    assert list(UsageQuery(60, 60, "1m").buckets()) == []
    assert list(UsageQuery(60, 60, "all").buckets()) == []


@given(st.integers(0, 10**7), st.integers(1, 10**5), st.sampled_from(sorted(SECONDS)))
def test_buckets_follow_each_other(start: int, seconds: int, width: Width) -> None:
    """They cover what was asked for, without a gap, and no bucket is there for nothing."""
    query = UsageQuery(start, start + seconds, width)
    buckets = list(query.buckets())
    assert buckets[0][0] <= start < buckets[0][1]
    assert buckets[-1][0] < start + seconds <= buckets[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(buckets))


@pytest.mark.parametrize(
    ("known", "wrong"), [(OF_ATTEMPTS, "ending"), (OF_REQUESTS, "deployment"), (OF_REQUESTS, "outcome")]
)
def test_rows_cannot_have_everything_in_common(known: tuple[str, ...], wrong: str) -> None:
    """Attempts have no ending and requests no deployment; the error says what there is."""
    for query in (UsageQuery(0, 1, group_by=(wrong,)), UsageQuery(0, 1, filters={wrong: ("x",)})):  # type: ignore[arg-type, dict-item]
        with pytest.raises(InvalidRequest, match=f"no sums by '{wrong}' here; there are: organisation, project"):
            query.check(known)  # type: ignore[arg-type]
