"""Exactly one ending, decided from what was seen of a request."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    ContentFiltered,
    DeadlineExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    QuotaExhausted,
    Unavailable,
)
from glmgate.policy.endings import REASONS, Ending, EndingWatch, done
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta
from glmgate.wire.engine import CacheUse

TEXT = Delta(content="a")


def watched(*deltas: Delta) -> EndingWatch:
    """A watch that has seen the deltas."""
    watch = EndingWatch()
    for delta in deltas:
        watch.feed(delta)
    return watch


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("stop", Ending.COMPLETED),
        ("length", Ending.LENGTH),
        ("model_context_window_exceeded", Ending.LENGTH),
        ("tool_calls", Ending.TOOL_CALLS),
        ("function_call", Ending.TOOL_CALLS),
        ("sensitive", Ending.FILTERED),
        ("network_error", Ending.FAILED_AFTER),
    ],
)
def test_a_finished_answer_is_named_by_its_reason(reason: FinishReason, ending: Ending) -> None:
    """Each finish reason has one ending."""
    assert watched(TEXT, Delta(finish_reason=reason)).finished() is ending


def test_without_a_finish_reason_an_answer_has_not_completed() -> None:
    """A stream that stops without a word is a failure, and one that stops in the middle is cut."""
    assert watched().finished() is Ending.FAILED_BEFORE
    assert watched(TEXT).finished() is Ending.TRUNCATED


@pytest.mark.parametrize(
    ("use", "ending"),
    [("hit", Ending.CACHE_HIT), ("shared", Ending.COALESCED), ("miss", Ending.LENGTH), (None, Ending.LENGTH)],
)
def test_an_answer_from_elsewhere_is_named_by_where_it_came_from(use: CacheUse | None, ending: Ending) -> None:
    """Whatever its finish reason; it cost nothing."""
    assert watched(TEXT, Delta(finish_reason="length")).finished(use) is ending


@pytest.mark.parametrize("use", ["hit", "shared", "miss", None])
def test_what_a_filter_stopped_is_called_so_wherever_it_came_from(use: CacheUse | None) -> None:
    """A kept answer may be refused to the one and not to the other."""
    assert watched(TEXT, Delta(finish_reason="sensitive")).finished(use) is Ending.FILTERED


def test_an_answer_from_elsewhere_that_does_not_arrive_is_named_by_that() -> None:
    """Who left has left, and what broke is broken."""
    broken = watched(TEXT, Delta(finish_reason="network_error"))
    assert broken.finished("shared") is Ending.FAILED_AFTER
    assert watched(TEXT).finished("hit") is Ending.TRUNCATED
    assert watched(TEXT).left() is Ending.CLIENT_LEFT_AFTER


def test_an_answer_without_deltas_is_named_by_where_it_came_from() -> None:
    """Vectors have no finish reason."""
    assert [done(use) for use in (None, "miss", "hit", "shared")] == [
        Ending.COMPLETED,
        Ending.COMPLETED,
        Ending.CACHE_HIT,
        Ending.COALESCED,
    ]


def test_every_finish_reason_has_an_ending() -> None:
    """The table is complete."""
    assert REASONS.keys() == set(get_args(FinishReason))


def test_of_several_choices_the_least_complete_names_the_request() -> None:
    """One choice cut by its length is what the caller has to know."""
    watch = watched(Delta(choice=0, finish_reason="stop"), Delta(choice=1, finish_reason="length"))
    assert watch.finished() is Ending.LENGTH


@pytest.mark.parametrize("first", [TEXT, Delta(reasoning="hm"), Delta(tool_calls=(ToolCallDelta(0, "c", "f"),))])
def test_a_client_leaves_before_or_after_the_first_delta(first: Delta) -> None:
    """Text, reasoning and a call each are a first delta; usage alone is none."""
    assert watched(Delta()).left() is Ending.CLIENT_LEFT_BEFORE
    assert watched(first).left() is Ending.CLIENT_LEFT_AFTER


@pytest.mark.parametrize(
    ("error", "before", "after"),
    [
        (InvalidRequest("no"), Ending.REFUSED, Ending.FAILED_AFTER),
        (CapacityExceeded("full"), Ending.REJECTED, Ending.FAILED_AFTER),
        (Unavailable("loading"), Ending.REJECTED, Ending.FAILED_AFTER),
        (QuotaExhausted("empty"), Ending.REJECTED, Ending.FAILED_AFTER),
        (ContentFiltered("no"), Ending.FILTERED, Ending.FILTERED),
        (AnswerTruncated("cut"), Ending.FAILED_BEFORE, Ending.TRUNCATED),
        (EngineFailed("broke"), Ending.FAILED_BEFORE, Ending.FAILED_AFTER),
        (DeadlineExceeded("late"), Ending.TIMED_OUT, Ending.TIMED_OUT),
        (ValueError("ours"), Ending.FAILED_BEFORE, Ending.FAILED_AFTER),
    ],
)
def test_an_error_ends_a_request_before_or_after_its_first_delta(
    error: Exception, before: Ending, after: Ending
) -> None:
    """A refusal is one only while nothing was said."""
    assert watched().failed(error) is before
    assert watched(TEXT).failed(error) is after


DELTAS = st.builds(
    Delta,
    choice=st.integers(0, 2),
    content=st.none() | st.text(max_size=2),
    reasoning=st.none() | st.text(max_size=2),
    finish_reason=st.none() | st.sampled_from(get_args(FinishReason)),
)
ERRORS = st.sampled_from([GlmgateError("x"), InvalidRequest("x"), asyncio.CancelledError(), RuntimeError("x")])


@given(st.lists(DELTAS, max_size=8), ERRORS)
def test_whatever_was_seen_there_is_an_ending(deltas: list[Delta], error: BaseException) -> None:
    """No sequence of deltas leaves a request without an ending, and "before" means that nothing was said."""
    watch = watched(*deltas)
    said = any(delta.says_something for delta in deltas)
    assert isinstance(watch.finished(), Ending)
    assert watch.left() is (Ending.CLIENT_LEFT_AFTER if said else Ending.CLIENT_LEFT_BEFORE)
    assert (watch.failed(error) in {Ending.FAILED_AFTER, Ending.TIMED_OUT}) is said
