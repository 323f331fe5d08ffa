"""A breaker: when it opens, when it lets a probe through, and what it learns from."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from glmgate.errors import Unavailable
from glmgate.routing.breaker import Breaker, BreakerPolicy, Permit
from tests.fakes.time import FakeTime


def breaker(**policy: float) -> tuple[Breaker, FakeTime]:
    """A closed one and its clock."""
    time = FakeTime(now=1000.0)
    return Breaker("main/model", policy=BreakerPolicy(**policy), clock=time), time  # type: ignore[arg-type] # whole numbers are


def state(one: Breaker) -> str:
    """Its state as text: a type checker would take it to stay what it was at the last look."""
    return one.state


def fail(one: Breaker, times: int = 1) -> None:
    """Calls that break."""
    for _ in range(times):
        one.admit().failed()


def test_failures_in_a_row_open_it() -> None:
    """One that goes well in between starts the count anew."""
    one, _ = breaker(consecutive=3)
    fail(one, 2)
    one.admit().ended()
    fail(one, 2)
    assert state(one) == "closed"
    fail(one)
    assert state(one) == "open"
    with pytest.raises(Unavailable, match="main/model") as caught:
        one.admit()
    assert caught.value.retry_after_s == 5
    assert caught.value.remedy == "next"


def test_a_share_of_failures_opens_it() -> None:
    """Of enough results that are young enough."""
    one, time = breaker(consecutive=100, least=10, share=0.5, window_s=60)
    for _ in range(5):
        fail(one)
        one.admit().ended()
    assert state(one) == "closed"  # the tenth result was a success; it is the next failure that shows the half
    time.advance(61)
    fail(one)
    assert state(one) == "closed"
    for _ in range(5):
        one.admit().ended()
        fail(one)
    assert state(one) == "open"


def test_one_probe_at_a_time_closes_or_reopens_it() -> None:
    """Each probe that fails doubles the time, up to a bound; an answer that is whole resets it."""
    one, time = breaker(consecutive=1, open_s=5, longest_open_s=20)
    fail(one)
    for wait_s in (5, 10, 20, 20):
        time.advance(wait_s - 0.1)
        assert one.is_open
        time.advance(0.1)
        assert state(one) == "half-open"
        probe = one.admit()
        assert one.is_open
        with pytest.raises(Unavailable):
            one.admit()
        probe.failed()
    time.advance(20)
    one.admit().ended()
    assert state(one) == "closed"
    fail(one)
    time.advance(5)
    assert state(one) == "half-open"


def test_a_probe_that_begins_to_answer_lets_others_in() -> None:
    """An answer may take minutes; should it break, the breaker is open again."""
    one, time = breaker(consecutive=3)
    fail(one, 3)
    time.advance(5)
    probe = one.admit()
    probe.answers()
    assert state(one) == "closed"
    other = one.admit()
    probe.failed()
    assert state(one) == "open"
    other.ended()
    assert state(one) == "open"


def test_a_probe_that_was_left_says_nothing() -> None:
    """The next request is the probe."""
    one, time = breaker(consecutive=1)
    fail(one)
    time.advance(5)
    one.admit().left()
    assert state(one) == "half-open"
    one.admit().ended()
    assert state(one) == "closed"


def test_what_began_before_it_opened_says_nothing_about_later() -> None:
    """Late failures of the same breakdown do not open it again."""
    one, time = breaker(consecutive=1)
    late = [one.admit() for _ in range(3)]
    fail(one)
    time.advance(5)
    one.admit().ended()
    for permit in late:
        permit.failed()
    assert state(one) == "closed"


def test_a_health_check_ends_the_wait_but_excuses_nothing() -> None:
    """It counts as a failure; that the port answers does not mean that requests do."""
    one, _ = breaker(consecutive=2)
    fail(one)
    one.found(ok=True)
    one.found(ok=False)
    assert state(one) == "open"
    one.found(ok=False)
    one.found(ok=True)
    assert state(one) == "half-open"
    one.found(ok=False)
    assert state(one) == "open"


class Breakers(RuleBasedStateMachine):
    """Calls that come, answer, break and are left at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = FakeTime(now=1000.0)
        self.breaker = Breaker("m", policy=BreakerPolicy(consecutive=2, least=4, window=6), clock=self.time)
        self.open: list[Permit] = []
        self.probe: Permit | None = None
        self.opened_at: float | None = None

    @rule()
    def a_call_comes(self) -> None:
        """It is let in unless the breaker is open; half-open, only one is."""
        before = self.breaker.state
        if self.breaker.is_open:
            with pytest.raises(Unavailable) as caught:
                self.breaker.admit()
            assert caught.value.retry_after_s is not None
            assert 1 <= caught.value.retry_after_s <= 60
            return
        permit = self.breaker.admit()
        if before == "half-open":
            assert self.probe is None
            self.probe = permit
        self.open.append(permit)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), how=st.sampled_from(["answers", "ended", "failed", "left"]))
    def a_call_goes_on(self, data: st.DataObject, how: str) -> None:
        """Telling an end twice tells it once."""
        permit = self.open[data.draw(st.integers(0, len(self.open) - 1))]
        before = self.breaker.state
        getattr(permit, how)()
        if how != "answers":
            getattr(permit, how)()
            permit.left()
            self.open.remove(permit)
        if permit is self.probe:
            self.probe = None
            wanted = {"answers": "closed", "ended": "closed", "failed": "open", "left": "half-open"}
            assert self.breaker.state == wanted[how]
        elif before == "half-open":
            assert self.breaker.state == "half-open"  # only the probe decides

    @rule(seconds=st.floats(0.1, 70))
    def time_goes_by(self, seconds: float) -> None:
        """It closes nothing by itself."""
        before = self.breaker.state
        self.time.advance(seconds)
        assert self.breaker.state == before or (before, self.breaker.state) == ("open", "half-open")

    @invariant()
    def it_does_not_stay_open(self) -> None:
        """Whatever happened, a minute later a call is let in, unless one is under way as the probe."""
        if self.breaker.state != "open":
            self.opened_at = None
            return
        self.opened_at = self.opened_at or self.time.now
        assert self.time.now < self.opened_at + 60


TestBreakers = Breakers.TestCase
TestBreakers.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
