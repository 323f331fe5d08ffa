"""Tests of what a service's refusal means: when to come back, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.failures import Asked, event_failure, refusal, unreachable
from glmgate.transport import errors

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = Asked(base_url="https://e.org/v1", model="m")


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "61"}, None),
    ],
)
def test_when_to_come_back_is_what_the_service_says(headers: dict[str, str], wait_s: float | None) -> None:
    """Seconds, milliseconds or a date; not where it makes no sense, and no longer than a minute."""
    assert refusal(429, headers, b"{}", asked=ASKED, now=NOW).wait_s == wait_s


def test_only_what_may_pass_is_waited_for() -> None:
    """Neither a wrong request nor an empty account."""
    later = {"retry-after": "1"}
    assert refusal(503, later, b"", asked=ASKED, now=NOW).wait_s == 1.0
    assert refusal(400, later, b"", asked=ASKED, now=NOW).wait_s is None
    assert refusal(429, later, b'{"error": {"code": 1113}}', asked=ASKED, now=NOW).wait_s is None


@pytest.mark.parametrize(
    ("error", "local", "told"),
    [
        (errors.ConnectFailed("x"), True, "start the server with `glmgate serve`."),
        (errors.ConnectFailed("x"), False, "check --base-url."),
        (errors.FirstTimedOut("x"), False, "silent for too long"),
        (errors.ConnectionBroken("x"), False, "try again."),
        (errors.ReplyUnreadable("x"), False, "not as a chat service"),
    ],
)
def test_an_unreachable_service_is_told_with_what_to_do(error: errors.TransportError, local: bool, told: str) -> None:
    """Each kind in its own words, with the address."""
    line = unreachable(error, asked=Asked(base_url="https://e.org/v1", local=local))
    assert told in line
    assert "https://e.org/v1" in line


@given(st.integers(300, 599), st.binary(max_size=200) | st.sampled_from([b'{"error": "x"}', b"[1]", b'{"detail": 3}']))
def test_any_body_makes_one_line(status: int, body: bytes) -> None:
    """Whatever answers, a proxy's page or half of a JSON."""
    line = refusal(status, {}, body, asked=ASKED, now=NOW).line
    assert len(line.splitlines()) == 1
    assert line.endswith((".", "…", "!", "?", "is."))


@pytest.mark.parametrize("error", [{"message": "x"}, "x", {"code": 1}, 7, None, {"message": None}])
def test_an_error_in_a_stream_makes_one_line(error: object) -> None:
    """Whatever its form."""
    assert event_failure(error).startswith("The service broke off its answer: ")
