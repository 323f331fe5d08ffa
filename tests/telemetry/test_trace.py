"""What a `traceparent` says."""

from __future__ import annotations

import pytest

from glmgate.telemetry.trace import trace_id_of

ID = "0af7651916cd43dd8448eb211c80319c"


def test_the_id_of_a_trace() -> None:
    """The second part."""
    assert trace_id_of(f"00-{ID}-b7ad6b7169203331-01") == ID


def test_a_later_version_may_say_more() -> None:
    """Its first four parts are the same (section 3.2.4)."""
    assert trace_id_of(f"01-{ID}-b7ad6b7169203331-01-more") == ID


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{ID}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID.upper()}-b7ad6b7169203331-01",
        f"00-{ID[1:]}-b7ad6b7169203331-01",
        f"00-{ID}-b7ad6b7169203331-01\n",
    ],
)
def test_what_is_none_has_no_id(header: str | None) -> None:
    """The log repeats nothing that a caller made up."""
    assert trace_id_of(header) is None
