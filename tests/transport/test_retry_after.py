"""What a Retry-After header asks for."""

from __future__ import annotations

import pytest

from glmgate.transport.retry_after import retry_after_s

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), ("0\x1f", 0.0), ("1.5", 1.5), ("", None), ("soon", None), ("-3", None)],
)
def test_a_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    """Anything but a number or a date counts as not said."""
    assert retry_after_s(text, now=NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:30 -0000", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
    ],
)
def test_a_retry_after_as_a_date(text: str, seconds: float) -> None:
    """A date that has passed means now; one without a zone is in UTC."""
    assert retry_after_s(text, now=NOW) == seconds
