"""A request under way: its state, its tokens and its times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.wire.delta import Usage
from tests.telemetry.records import flight


def test_a_request_is_queued_then_waiting_then_streaming() -> None:
    """Until something is sent it waits in turn; until words come, for them."""
    one, states = flight(), list[str]()
    states.append(one.state)
    one.place = "zai/glm-4.6"
    states.append(one.state)
    one.said(1, 2.0)
    states.append(one.state)
    assert states == ["queued", "waiting", "streaming"]


def test_an_answer_of_the_cache_is_never_waiting() -> None:
    """Words may come without any attempt."""
    one = flight()
    one.said(1, 0.1)
    assert one.state == "streaming"


def test_tokens_are_those_that_are_told_else_the_pieces() -> None:
    """Most services tell at the end only; a piece is about a token."""
    one = flight()
    one.said(3, 1.0)
    assert one.tokens == 3
    one.usage[0] = Usage(10, 7)
    one.usage[1] = Usage(10, 2)
    assert one.tokens == 9


def test_the_rate_counts_from_the_first_words() -> None:
    """And is none before them."""
    one = flight()
    assert one.tokens_per_s(5.0) == 0
    one.said(10, 5.0)
    assert one.tokens_per_s(5.0) == 0
    assert one.tokens_per_s(7.0) == 5


def test_an_answer_in_one_piece_has_no_times_between() -> None:
    """A whole answer says nothing of how fast its tokens came."""
    one = flight()
    one.said(5, 1.0)
    assert (one.token_s, one.gap_s) == (None, None)


def test_the_times_between_tokens_are_their_mean_and_the_longest_silence() -> None:
    """The first words are no silence: that is the time to the first token."""
    one = flight()
    for now in (10.0, 10.5, 13.0, 13.5):
        one.said(1, now)
    one.usage[0] = Usage(1, 8)
    assert (one.token_s, one.gap_s) == (0.5, 2.5)


@given(st.lists(st.floats(0.001, 100), min_size=2, max_size=30))
def test_no_silence_is_longer_than_the_longest(gaps: list[float]) -> None:
    """And the mean of the reads is at most that."""
    one, now = flight(), 0.0
    for gap in gaps:
        now += gap
        one.said(1, now)
    assert one.gap_s is not None
    assert one.token_s is not None
    assert abs(one.gap_s - max(gaps[1:])) < 1e-6
    assert one.token_s <= one.gap_s + 1e-6


def test_what_was_used_is_that_of_all_choices() -> None:
    """Nothing where nothing was told; of each choice the last that was told."""
    one = flight()
    assert one.used == Usage()
    one.usage[0] = Usage(10, 5, 4, 2)
    assert one.used == Usage(10, 5, 4, 2)
    one.usage[1] = Usage(10, 1)
    assert one.used == Usage(20, 6, 4, 2)
