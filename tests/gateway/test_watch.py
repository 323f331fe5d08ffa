"""Watching a request: the first delta, the tokens, the one ending."""

from __future__ import annotations

import asyncio

from glmgate.gateway.watch import Watch
from glmgate.policy.endings import Ending
from glmgate.wire.delta import Delta, Usage
from tests.fakes.clock import FakeClock
from tests.gateway.requests import call, chat


def watch(clock: FakeClock | None = None) -> Watch:
    """A watch of a chat."""
    return Watch(call(), "chat", chat("m"), clock or FakeClock())


def test_the_first_delta_is_the_first_that_says_something() -> None:
    """Usage alone is nothing that a client sees."""
    clock = FakeClock()
    watched = watch(clock)
    clock.advance(1)
    watched.saw((Delta(usage=Usage(1, 0)),))
    clock.advance(1)
    watched.saw((Delta(content="a"),))
    assert watched.record().first_s == 2


def test_the_tokens_of_all_choices_are_summed() -> None:
    """The last usage of each choice counts, because usage on deltas is cumulative."""
    watched = watch()
    watched.saw((Delta(usage=Usage(5, 1)), Delta(choice=1, usage=Usage(5, 2)), Delta(usage=Usage(5, 7))))
    assert watched.record().usage == Usage(10, 9)


def test_what_ended_stays_ended() -> None:
    """A client that goes after the end was read did not leave the answer."""
    watched = watch()
    watched.saw((Delta(finish_reason="stop"),))
    watched.ended()
    watched.stopped(asyncio.CancelledError())
    assert watched.record().ending == Ending.COMPLETED


def test_a_fault_of_ours_has_no_code_of_its_own() -> None:
    """An unexpected exception is recorded as an internal error, without its text."""
    watched = watch()
    watched.stopped(KeyError("secret"))
    assert (watched.record().ending, watched.record().error_code) == (Ending.FAILED_BEFORE, "internal_error")


def test_a_reader_that_stops_reading_has_left() -> None:
    """Without a word from anybody the request still has an ending."""
    assert watch().record().ending == Ending.CLIENT_LEFT_BEFORE


def test_the_record_has_the_times_between_tokens() -> None:
    """Reads that say nothing are no pause's end."""
    clock = FakeClock()
    watched = watch(clock)
    for wait, delta in ((1, Delta(content="a")), (2, Delta(usage=Usage(1, 2))), (1, Delta(content="b"))):
        clock.advance(wait)
        watched.saw((delta,))
    record = watched.record()
    assert (record.first_s, record.token_s, record.gap_s) == (1, 3, 3)


def test_the_record_says_why_choices_ended_and_which_trace_it_is_of() -> None:
    """As the caller's header names it."""
    watched = watch()
    watched.flight.call.traceparent = f"00-{'a1' * 16}-{'b2' * 8}-01"
    watched.saw((Delta(finish_reason="stop"), Delta(choice=1, finish_reason="length")))
    assert (watched.record().reasons, watched.record().trace_id) == (("stop", "length"), "a1" * 16)


def test_who_listens_gets_what_the_client_gets() -> None:
    """Read by read."""
    watched, heard = watch(), list[tuple[Delta, ...]]()
    watched.flight.tap = heard.append
    watched.saw((Delta(content="a"), Delta(content="b")))
    assert heard == [(Delta(content="a"), Delta(content="b"))]
