"""The budget of further tries: 10 % extra load, plus 3 a minute."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from glmgate.routing.budget import RetryBudget
from tests.fakes.time import FakeTime


def taken(budget: RetryBudget, most: int = 1000) -> int:
    """How many tries it still gives."""
    count = 0
    while count < most and budget.take():
        count += 1
    return count


def test_a_quiet_deployment_may_retry_three_times_a_minute() -> None:
    """Without this share one request an hour could never be tried again."""
    time = FakeTime()
    budget = RetryBudget(clock=time)
    assert taken(budget) == 3
    time.advance(59)
    assert taken(budget) == 0
    time.advance(1)
    assert taken(budget) == 3


def test_a_busy_deployment_has_ten_percent_more() -> None:
    """Of the requests of the last minute, not of all that ever came."""
    time = FakeTime()
    budget = RetryBudget(clock=time)
    for _ in range(200):
        budget.request()
    assert taken(budget) == 23
    time.advance(61)
    assert taken(budget) == 3


class Budgets(RuleBasedStateMachine):
    """Requests and tries at any times."""

    def __init__(self) -> None:
        super().__init__()
        self.time = FakeTime(now=0.0)
        self.budget = RetryBudget(clock=self.time)
        self.requests: list[float] = []
        self.retries: list[float] = []
        self.refused_wrongly = False

    @rule(count=st.integers(1, 40))
    def requests_come(self, count: int) -> None:
        """Some at once."""
        for _ in range(count):
            self.budget.request()
            self.requests.append(self.time.now)

    @rule()
    def a_try_is_asked_for(self) -> None:
        """It is given at least as long as fewer than three were in the last minute."""
        free = sum(at > self.time.now - 60 for at in self.retries) < 3
        if self.budget.take():
            self.retries.append(self.time.now)
        elif free:
            self.refused_wrongly = True

    @rule(seconds=st.floats(0.0, 70.0))
    def time_goes_by(self, seconds: float) -> None:
        """Any fraction of a second."""
        self.time.advance(seconds)

    @invariant()
    def no_minute_has_too_many(self) -> None:
        """Checked for the minute that ends with the last try; every earlier one was checked then."""
        assert not self.refused_wrongly
        if self.retries:
            since = self.retries[-1] - 60
            retries = sum(since < at <= self.retries[-1] for at in self.retries)
            requests = sum(since < at for at in self.requests)
            assert retries <= 3 + 0.1 * requests


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
