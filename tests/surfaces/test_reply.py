"""Whole answers, and the header that reports changes."""

from __future__ import annotations

from glmgate.surfaces.reply import MAX_REPORT_BYTES, call_headers, report_headers
from glmgate.wire.engine import Note
from glmgate.wire.headroom import Headroom, Room
from tests.fakes.engine import call


def test_changes_are_joined() -> None:
    """The form that the report has everywhere."""
    notes = [Note("temperature", "1.7->1.0"), Note("stop", "emulated")]
    assert report_headers(notes) == [(b"x-glmgate-adaptations", b"temperature=1.7->1.0; stop=emulated")]


def test_no_change_means_no_header() -> None:
    """Most answers have nothing to report."""
    assert report_headers([]) == []


def test_long_report_is_cut_between_changes() -> None:
    """It may never break an answer: servers and proxies bound their headers."""
    [(_, value)] = report_headers([Note(f"field{number}", "omitted") for number in range(500)])
    assert len(value) <= MAX_REPORT_BYTES + len("; more")
    assert value.endswith(b"=omitted; more")


def test_text_that_fits_no_header_is_left_to_the_body() -> None:
    """A field's name may come from a caller."""
    assert report_headers([Note("a", "omitted"), Note("温度\r\nx: y", "omitted")]) == [
        (b"x-glmgate-adaptations", b"a=omitted; more")
    ]


def test_what_the_cache_had_is_told() -> None:
    """Beside the changes, in a header of its own."""
    asked = call(cache_use="hit")
    asked.note(Note("stop", "emulated"))
    assert call_headers(asked) == [(b"x-glmgate-adaptations", b"stop=emulated"), (b"x-glmgate-cache", b"hit")]


def test_no_cache_means_no_header() -> None:
    """Where nothing was looked up, nothing is told."""
    assert call_headers(call()) == []


def test_what_is_left_of_limits_is_told() -> None:
    """As OpenAI does; and budgets that are spent and only warn, in a header of ours."""
    asked = call()
    asked.headroom = Headroom(Room(60, 59, 1.0))
    asked.overruns.append("key USD month")
    assert call_headers(asked) == [
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-glmgate-budget-spent", b"key USD month"),
    ]
