"""All requests under way, and the last minute."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from glmgate.telemetry.flights import MINUTE_S, Flights, Sums
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller, Place
from tests.fakes.clock import FakeClock
from tests.telemetry.records import flight, record

PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
HOOK = Place("zai/moderations", "zai", "moderations")


def call(uid: str) -> Call:
    """A call whose id of ours is known."""
    return Call("given-by-the-client", Caller("k-1"), "openai", uid=uid)


def test_requests_are_held_from_their_begin_to_their_end() -> None:
    """The oldest first, whatever their clients call them."""
    flights = Flights(FakeClock())
    one, two = flight(call("u-1")), flight(call("u-2"))
    flights.began(one)
    flights.began(two)
    assert flights.under_way() == (one, two)
    flights.ended(record(uid="u-1"))
    assert flights.under_way() == (two,)


def test_an_attempt_says_where_a_request_is_now() -> None:
    """One for a request that has ended (a call that several share) is nobody's."""
    flights = Flights(FakeClock())
    one = flight(call("u-1"))
    flights.began(one)
    assert flights.attempt(one.call, PLACE, one.request) is None  # type: ignore[arg-type,func-returns-value]
    assert one.place == "zai/glm-4.6"
    flights.attempt(call("u-9"), PLACE, one.request)  # type: ignore[arg-type]


def test_who_judges_a_request_for_a_filter_does_not_answer_it() -> None:
    """Neither before the first attempt, when it is still queued, nor while an answer comes."""
    flights = Flights(FakeClock())
    one = flight(call("u-1"))
    flights.began(one)
    asked = replace(one.call, judging=True)
    flights.attempt(asked, HOOK, one.request)  # type: ignore[arg-type]
    assert (one.place, one.state) == ("", "queued")
    flights.attempt(one.call, PLACE, one.request)  # type: ignore[arg-type]
    flights.attempt(asked, HOOK, one.request)  # type: ignore[arg-type]
    assert one.place == "zai/glm-4.6"


def test_the_minute_sums_what_has_ended() -> None:
    """With its tokens, and those that ended with an error's code."""
    flights = Flights(FakeClock())
    flights.ended(record(usage=Usage(10, 5)))
    flights.ended(record(usage=Usage(1, 0), error_code="engine_failed"))
    assert flights.minute() == Sums(2, 1, 11, 5)


@given(st.lists(st.floats(0, 100), max_size=40))
def test_what_ended_more_than_a_minute_ago_is_forgotten(waits: list[float]) -> None:
    """To the second, and its memory with it."""
    clock, times = FakeClock(), list[float]()
    flights = Flights(clock)
    for wait in waits:
        clock.advance(wait)
        times.append(clock.now)
        flights.ended(record())
    expected = sum(int(at) > int(clock.now) - MINUTE_S for at in times)
    assert flights.minute().requests == expected
    assert len(flights._seconds) <= MINUTE_S
