"""Tests of limits: which there are for a request, what is told of them, and what a refusal says."""

from __future__ import annotations

import math

import pytest

from glmgate.errors import CapacityExceeded
from glmgate.policy.counters import Bucket, Slot, State
from glmgate.policy.limits import Kind, Limit, headroom, limits, refusal, share_of
from glmgate.wire.headroom import Headroom, Room
from glmgate.wire.terms import Scope, Terms

KEY = Scope("key", "k-1", Terms(rpm=60, tpm=1000, in_flight=4))
PROJECT = Scope("project", "p-1", Terms(rpm=10))


def test_each_limit_of_each_scope_is_asked() -> None:
    """Under a name of its own, a key's and its project's apart; a scope that sets no limits is asked for none."""
    found = limits([Scope("organisation", "o"), PROJECT, KEY], tokens=300)
    assert [(one.kind, one.ask) for one in found] == [
        ("requests", Bucket("rpm:project:p-1", 10)),
        ("in_flight", Slot("slots:key:k-1", 4)),
        ("requests", Bucket("rpm:key:k-1", 60)),
        ("tokens", Bucket("tpm:key:k-1", 1000, 300)),
    ]


def test_a_guess_is_too_large_for_no_limit() -> None:
    """A request that does not say how long its answer may be waits for a full minute's tokens at most."""
    (limit,) = limits([Scope("key", "k", Terms(tpm=100))], tokens=300, guessed=True)
    assert limit.ask == Bucket("tpm:key:k", 100, 100)


def test_the_tightest_scope_is_told() -> None:
    """Of requests and of tokens by themselves; requests in flight have no header."""
    found = limits([PROJECT, KEY], tokens=300)
    states = [State(1, 9, 6.0), State(1, 3), State(1, 2, 58.0), State(300, 700, 18.0)]
    assert headroom(found, states) == Headroom(Room(60, 2, 58.0), Room(1000, 700, 18.0))
    assert headroom(found[1:2], states[1:2]) is None


def test_what_is_below_zero_is_told_as_nothing() -> None:
    """A settlement may have taken more than there was."""
    (limit,) = limits([PROJECT], tokens=0)
    told = headroom([limit], [State(0, -7, 30.0, 5.0)])
    assert told == Headroom(Room(10, 0, 30.0))


@pytest.mark.parametrize(
    ("kind", "ask", "words", "zai_code"),
    [
        ("requests", Bucket("x", 10), "10 requests per minute", "1303"),
        ("tokens", Bucket("x", 1000, 30), "1000 tokens per minute", "1305"),
        ("in_flight", Slot("x", 2), "2 requests in flight", "1302"),
    ],
)
def test_a_refusal_says_which_limit_and_when_to_come_back(
    kind: Kind, ask: Bucket | Slot, words: str, zai_code: str
) -> None:
    """Of whom, how much it is; in both vocabularies, and a retry helps."""
    error = refusal(Limit(kind, KEY, ask), State(0, 0, 60.0, 1.234))
    assert "key 'k-1'" in error.message
    assert words in error.message
    assert "Try again in 1.24s" in error.message
    assert (error.status, error.code, error.zai_code) == (429, "rate_limit_exceeded", zai_code)
    assert (error.retry, error.retry_after_s) == (True, 1.234)


def test_short_waits_are_told_in_milliseconds() -> None:
    """Rounded up: who waits as told is let in."""
    assert "Try again in 21ms" in refusal(limits([PROJECT], tokens=0)[0], State(0, 0, 60.0, 0.0201)).message


def test_a_request_larger_than_the_limit_is_told_so() -> None:
    """No waiting helps; a smaller request does."""
    (limit,) = limits([Scope("key", "k", Terms(tpm=100))], tokens=300)
    error = refusal(limit, State(0, 100, 0.0, math.inf))
    assert "may take 300 tokens" in error.message
    assert "max_tokens" in error.message
    assert (error.retry, error.retry_after_s) == (False, None)


def test_a_limit_of_nothing_is_closed() -> None:
    """That is how a key is put on hold; no waiting helps."""
    (limit,) = limits([Scope("key", "k", Terms(rpm=0))], tokens=0)
    error = refusal(limit, State(0, 0, math.inf, math.inf))
    assert isinstance(error, CapacityExceeded)
    assert (error.retry, error.retry_after_s) == (False, None)


@pytest.mark.parametrize(
    ("ask", "part"),
    [
        (Bucket("x", 10), Bucket("x", 5)),
        (Bucket("x", 1), Bucket("x", 1)),
        (Bucket("x", 0), Bucket("x", 0)),
        (Slot("x", 9), Slot("x", 4)),
        (Bucket("x", 1000, 800), Bucket("x", 500, 500)),
        (Bucket("x", 1000, 1200), Bucket("x", 500, 1200)),
    ],
)
def test_a_share_is_never_less_than_one_request(ask: Bucket | Slot, part: Bucket | Slot) -> None:
    """Unless the limit is nothing; a request that the whole limit allows is not too large for a share."""
    kind: Kind = "in_flight" if isinstance(ask, Slot) else "tokens"
    assert share_of(Limit(kind, KEY, ask), 0.5) == part
