"""Tests of the dictionary with bounds: in bytes, in time, and in what makes room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.bounded import ENTRY_BYTES, Bounded

ROOM = 10 * (ENTRY_BYTES + 100)
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "drop"]),
        st.integers(0, 30),
        st.integers(0, 2 * ROOM),
        st.floats(0, 100),
    ),
    max_size=60,
)


@given(ACTIONS)
def test_it_never_holds_more_than_its_room(actions: list[tuple[str, int, int, float]]) -> None:
    """Whatever is put, asked for and dropped, in whatever order; and its size is what its entries take."""
    held: Bounded[int] = Bounded(ROOM)
    for now, (what, key, size, until) in enumerate(actions):
        if what == "put":
            held.put(str(key), key, size=size, until=until)
        elif what == "drop":
            held.drop(str(key))
        else:
            assert held.get(str(key), now=now) in {None, key}
        assert len(held) * ENTRY_BYTES <= held.size <= ROOM
    for key in range(31):
        held.drop(str(key))
    assert (held.size, len(held)) == (0, 0)


def test_what_was_not_used_for_longest_makes_room() -> None:
    """Asking for a value keeps it."""
    held: Bounded[int] = Bounded(2 * (ENTRY_BYTES + 1))
    held.put("a", 1, size=1, until=9)
    held.put("b", 2, size=1, until=9)
    held.get("a", now=0)
    held.put("c", 3, size=1, until=9)
    assert [held.get(key, now=0) for key in "abc"] == [1, None, 3]


def test_a_value_is_gone_when_its_time_is_over() -> None:
    """Not before, and then it takes no room any more."""
    held: Bounded[int] = Bounded(ROOM)
    held.put("a", 1, size=1, until=9)
    assert held.get("a", now=8.9) == 1
    assert held.get("a", now=9) is None
    assert held.size == 0


def test_what_is_too_large_drives_nothing_out() -> None:
    """It is not kept; what stood under its key is gone, because it is not true any more."""
    held: Bounded[int] = Bounded(ROOM)
    held.put("a", 1, size=1, until=9)
    held.put("b", 2, size=1, until=9)
    held.put("b", 3, size=ROOM, until=9)
    assert [held.get(key, now=0) for key in "ab"] == [1, None]
