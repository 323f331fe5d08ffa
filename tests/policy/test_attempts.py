"""One attempt: every shape of usage, every way of stopping, and exactly one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    ContentFiltered,
    CredentialRefused,
    DeadlineExceeded,
    EngineFailed,
    InvalidRequest,
    QuotaExhausted,
    Unavailable,
)
from glmgate.policy.attempts import (
    OUTCOMES,
    STATES,
    AttemptWatch,
    Basis,
    Heard,
    Said,
    State,
    Stop,
    Verdict,
    size_of,
    stop_of,
)
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.engine import Outcome

TEXT = Delta(content="Hello")
FINISH = Delta(finish_reason="stop")


def verdict(*deltas: Delta, stop: Stop = Stop.END) -> Verdict:
    """What comes of an attempt with these deltas."""
    watch = AttemptWatch()
    watch.feed(deltas)
    return watch.stopped(stop)


SHAPES: dict[str, tuple[Sequence[Delta], Usage | None]] = {
    "on the finish chunk": ([TEXT, Delta(finish_reason="stop", usage=Usage(7, 3, 2, 1))], Usage(7, 3, 2, 1)),
    "in an extra chunk": ([TEXT, FINISH, Delta(usage=Usage(7, 3))], Usage(7, 3)),
    "in both": ([TEXT, Delta(finish_reason="stop", usage=Usage(7, 3)), Delta(usage=Usage(7, 3))], Usage(7, 3)),
    "in every chunk": (
        [
            Delta(content="a", usage=Usage(7, 1)),
            Delta(content="b", usage=Usage(7, 2)),
            Delta(finish_reason="stop", usage=Usage(7, 2)),
        ],
        Usage(7, 2),
    ),
    "before the first word": ([Delta(usage=Usage(7, 0)), TEXT, FINISH], Usage(7, 0)),
    "as nothing, then as it is": ([Delta(usage=Usage()), TEXT, FINISH, Delta(usage=Usage(7, 3))], Usage(7, 3)),
    "as it is, then as nothing": ([TEXT, FINISH, Delta(usage=Usage(7, 3)), Delta(usage=Usage())], Usage(7, 3)),
    "of each of two choices": (
        [
            Delta(choice=0, content="a", usage=Usage(7, 1)),
            Delta(choice=1, content="b", usage=Usage(7, 1)),
            Delta(choice=0, finish_reason="stop", usage=Usage(7, 2)),
            Delta(choice=1, finish_reason="stop", usage=Usage(7, 4)),
        ],
        Usage(14, 6),
    ),
    "of two choices together": (
        [
            Delta(choice=0, content="a"),
            Delta(choice=1, content="b"),
            Delta(choice=0, finish_reason="stop", usage=Usage(7, 6)),
            Delta(choice=1, finish_reason="stop"),
        ],
        Usage(7, 6),
    ),
    "never": ([TEXT, FINISH], None),
    "never but as nothing": ([TEXT, Delta(finish_reason="stop", usage=Usage())], None),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_usage_is_what_was_told_last_wherever_it_stands(shape: str) -> None:
    """It is cumulative: never doubled, never summed over chunks (contract 3.3, S1 to S4)."""
    deltas, told = SHAPES[shape]
    found = verdict(*deltas)
    assert (found.outcome, found.basis, found.told) == ("ok", Basis.TOLD, told)


@pytest.mark.parametrize(
    ("deltas", "stop", "outcome", "basis"),
    [
        ([], Stop.LEFT, "cancelled", Basis.SEEN),
        ([TEXT], Stop.LEFT, "cancelled", Basis.SEEN),
        ([TEXT, FINISH], Stop.LEFT, "ok", Basis.TOLD),
        ([], Stop.END, "failed_before", Basis.SEEN),
        ([TEXT], Stop.END, "truncated", Basis.SEEN),
        ([TEXT, Delta(finish_reason="network_error")], Stop.END, "failed_after", Basis.SEEN),
        ([TEXT, Delta(finish_reason="network_error")], Stop.LEFT, "failed_after", Basis.SEEN),
        ([], Stop.REFUSED, "refused", Basis.NOTHING),
        ([TEXT], Stop.REFUSED, "failed_after", Basis.SEEN),
        ([], Stop.FAILED, "failed_before", Basis.NOTHING),
        ([TEXT], Stop.FAILED, "failed_after", Basis.SEEN),
        ([TEXT, FINISH], Stop.FAILED, "failed_after", Basis.SEEN),
        ([], Stop.TRUNCATED, "failed_before", Basis.SEEN),
        ([TEXT], Stop.TRUNCATED, "truncated", Basis.SEEN),
        ([], Stop.TIMED_OUT, "timed_out", Basis.SEEN),
        ([TEXT], Stop.TIMED_OUT, "timed_out", Basis.SEEN),
        ([], Stop.WHOLE, "ok", Basis.TOLD),
    ],
)
def test_how_it_stopped_and_what_was_seen_make_one_outcome(
    deltas: list[Delta], stop: Stop, outcome: Outcome, basis: Basis
) -> None:
    """Before or after the first delta, with or without an end; `[DONE]` alone is none."""
    found = verdict(*deltas, stop=stop)
    assert (found.outcome, found.basis) == (outcome, basis)


@pytest.mark.parametrize(
    ("error", "stop"),
    [
        (asyncio.CancelledError(), Stop.LEFT),
        (GeneratorExit(), Stop.LEFT),
        (DeadlineExceeded("Slow."), Stop.TIMED_OUT),
        (AnswerTruncated("Cut."), Stop.TRUNCATED),
        (InvalidRequest("Bad."), Stop.REFUSED),
        (ContentFiltered("Bad."), Stop.REFUSED),
        (CapacityExceeded("Full."), Stop.REFUSED),
        (QuotaExhausted("Empty."), Stop.REFUSED),
        (CredentialRefused("No."), Stop.REFUSED),
        (Unavailable("Loading."), Stop.FAILED),
        (EngineFailed("Broken."), Stop.FAILED),
        (RuntimeError("a fault of ours"), Stop.FAILED),
        (KeyboardInterrupt(), Stop.FAILED),
    ],
)
def test_an_error_stops_an_attempt_in_one_way(error: BaseException, stop: Stop) -> None:
    """The most specific row of the table decides."""
    assert stop_of(error) is stop


def test_an_answer_without_deltas_says_its_usage_at_once() -> None:
    """Vectors; none said, or zero, is not told."""
    assert AttemptWatch().whole(Usage(5)).told == Usage(5)
    assert AttemptWatch().whole(None).told is None
    assert AttemptWatch().whole(Usage()).told is None


def test_text_is_measured_and_what_came_after_the_last_word_on_usage_apart() -> None:
    """In bytes of UTF-8, thoughts and calls included."""
    call = ToolCallDelta(index=0, id="c", name="get", arguments="{}")
    found = verdict(
        Delta(content="汉字"),
        Delta(reasoning="Hm", usage=Usage(7, 3)),
        Delta(content="x", tool_calls=(call,)),
        Delta(reasoning="é"),
        stop=Stop.LEFT,
    )
    assert found.said == Said(answer=6 + 2 + 1 + 5 + 2, thoughts=2 + 2)
    assert found.untold == Said(answer=1 + 5 + 2, thoughts=2)
    assert size_of("\ud800") == 3


def test_an_answer_may_be_known_to_have_begun_before_its_deltas_come() -> None:
    """Who read ahead says so."""
    watch = AttemptWatch()
    watch.begin()
    assert (watch.begun, watch.has_finished) == (True, False)
    assert watch.stopped(Stop.FAILED).outcome == "failed_after"


def test_the_tables_are_complete() -> None:
    """Each state knows each thing that can be heard and each way of stopping."""
    assert all(STATES[state].keys() == set(Heard) for state in State)
    assert all(OUTCOMES[state].keys() == set(Stop) for state in State)
    outcomes = {OUTCOMES[state][stop][0] for state, stop in product(State, Stop)}
    assert outcomes == set(get_args(Outcome))


USAGES = st.builds(Usage, *[st.integers(0, 9)] * 4)
DELTAS = st.builds(
    Delta,
    choice=st.integers(0, 1),
    content=st.none() | st.text(max_size=2),
    reasoning=st.none() | st.text(max_size=2),
    finish_reason=st.none() | st.sampled_from(get_args(FinishReason)),
    usage=st.none() | USAGES,
)


@given(st.lists(DELTAS, max_size=8), st.sampled_from(Stop))
def test_every_run_ends_in_one_outcome(deltas: list[Delta], stop: Stop) -> None:
    """Whatever came, and "before" means that nothing was said."""
    found = verdict(*deltas, stop=stop)
    assert found.outcome in get_args(Outcome)
    said = any(delta.says_something for delta in deltas)
    if found.outcome in {"failed_before", "refused"}:
        assert not said
    if found.outcome in {"failed_after", "truncated"}:
        assert said
    assert 0 <= found.untold.answer <= found.said.answer
    assert 0 <= found.said.thoughts <= found.said.answer


@given(st.lists(DELTAS, max_size=8), st.lists(st.integers(0, 8), max_size=4), st.sampled_from(Stop))
def test_how_deltas_were_read_makes_no_difference(deltas: list[Delta], cuts: list[int], stop: Stop) -> None:
    """One read or many."""
    watch = AttemptWatch()
    start = 0
    for cut in sorted(cuts):
        watch.feed(deltas[start : max(start, cut)])
        start = max(start, cut)
    watch.feed(deltas[start:])
    assert watch.stopped(stop) == verdict(*deltas, stop=stop)


WORDS = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5)


@given(words=WORDS, places=st.sets(st.integers(0, 5)), extra=st.booleans())
def test_where_a_cumulative_usage_stands_makes_no_difference(
    words: list[str], places: set[int], *, extra: bool
) -> None:
    """Told with some of the words, on the end or behind it, the last one counts."""
    deltas = [
        Delta(content=word, usage=Usage(7, place + 1) if place in places else None) for place, word in enumerate(words)
    ]
    whole = Usage(7, len(words))
    end = [FINISH, Delta(usage=whole)] if extra else [Delta(finish_reason="stop", usage=whole)]
    assert verdict(*deltas, *end).told == whole
