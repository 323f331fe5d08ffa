"""Steps of several holders in one period, and two stores that have to come to the same: one of them is the memory's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from glmgate.policy.counters import Change, Counters, Lease, Outcome, Refused, Spend, Taken

LIMIT = 100
_numbers = itertools.count()


@dataclass(frozen=True)
class Step:
    """What one holder does, or so many seconds that go by."""

    what: Literal["take", "settle", "renew", "load", "pass"]
    holder: str
    amount: int
    part: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["take", "take", "settle", "renew", "load", "pass"]),
        st.sampled_from("abc"),
        st.integers(0, 60),
        st.integers(0, 60),
    ),
    max_size=25,
)


def nowhere(_: float) -> None:
    """No time goes by."""


async def agree(
    counters: Counters,
    model: Counters,
    steps: Sequence[Step],
    *,
    until: float,
    passes: Callable[[float], None] = nowhere,
) -> None:
    """Do the same in both, in a period of its own; each answer is the same, and so is what is left in the end."""
    name = f"money-{next(_numbers)}"
    for step in [*steps, Step("load", "", 0, 0), Step("take", "last", 0, 0)]:
        if step.what == "pass":
            passes(step.part / 4)
        else:
            told = [await done(each, name, step, until) for each in (counters, model)]
            assert told[0] == told[1], step


async def done(counters: Counters, name: str, step: Step, until: float) -> object:
    """Do one step; what can be seen of it."""
    ask = Spend(name, step.amount, until, LIMIT, least=step.amount // 2, likely=step.part)
    if step.what == "take":
        return told_of(await counters.take(step.holder, [ask]))
    if step.what == "settle":
        await counters.settle(step.holder, [Change(ask, step.part - step.amount, step.part)])
        return None
    leases: list[Lease] = [(name, step.holder, step.amount)]
    if step.what == "renew":
        return list(await counters.renew([], leases))
    return list(await counters.load({name: (step.part, until)}, leases if step.holder else []))


def told_of(outcome: Outcome) -> object:
    """What an outcome says, but for times: no two clocks are the same."""
    if isinstance(outcome, Taken):
        return [(state.granted, state.remaining) for state in outcome.states]
    return (outcome.index, outcome.state.remaining) if isinstance(outcome, Refused) else outcome
