"""Who is next: in the order of coming within a key, and the keys take turns."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from glmgate.routing.turns import Turns


def anything(_: object) -> bool:
    """Fits always."""
    return True


def drained(turns: Turns[str]) -> list[str]:
    """All items, in the order in which they are taken."""
    taken = []
    while (item := turns.take(anything)) is not None:
        taken.append(item)
    return taken


def test_keys_take_turns() -> None:
    """A key with one request does not wait behind all of another key's."""
    turns: Turns[str] = Turns()
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        turns.add(item[0], item)
    assert drained(turns) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_a_key_that_comes_back_goes_behind_the_others() -> None:
    """Otherwise a key with one request at a time would be served before those that wait longer."""
    turns: Turns[str] = Turns()
    for item in ("a1", "b1", "b2"):
        turns.add(item[0], item)
    assert turns.take(anything) == "a1"
    turns.add("a", "a2")
    assert drained(turns) == ["b1", "a2", "b2"]


def test_an_item_that_does_not_fit_holds_up_nobody() -> None:
    """Neither in its own line nor in another."""
    turns: Turns[str] = Turns()
    for item in ("a1", "a2", "b1"):
        turns.add(item[0], item)
    assert turns.take(lambda item: item != "a1") == "a2"
    assert turns.take(lambda item: item == "c1") is None
    assert drained(turns) == ["b1", "a1"]


def test_the_newest_of_the_longest_line_is_found() -> None:
    """Of lines that are equally long it is that of the key that is named."""
    turns: Turns[str] = Turns()
    assert turns.newest_of_longest("a") is None
    for item in ("a1", "a2", "b1"):
        turns.add(item[0], item)
    assert turns.newest_of_longest("b") == "a2"
    turns.add("b", "b2")
    assert turns.newest_of_longest("b") == "b2"


@given(st.lists(st.sampled_from("abc"), max_size=30), st.sets(st.integers(0, 29)))
def test_turns_are_fair_and_lose_nothing(keys: list[str], left: set[int]) -> None:
    """While a key waits, no other one is served twice; within a key the order of coming holds."""
    turns: Turns[str] = Turns()
    items = [f"{key}{place:02}" for place, key in enumerate(keys)]
    for item in items:
        turns.add(item[0], item)
    for place in left & set(range(len(items))):
        turns.discard(items[place][0], items[place])
    staying = [item for place, item in enumerate(items) if place not in left]
    assert len(turns) == len(staying)
    assert sorted(turns) == sorted(staying)
    taken = drained(turns)
    for key in "abc":
        assert [item for item in taken if item[0] == key] == [item for item in staying if item[0] == key]
    waiting = Counter(item[0] for item in staying)
    served: Counter[str] = Counter()
    for item in taken:
        served[item[0]] += 1
        assert all(served[item[0]] - served[key] <= 1 for key in waiting if served[key] < waiting[key])
