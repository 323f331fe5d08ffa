"""Walking values without the stack."""

from __future__ import annotations

from glmgate.adaptation.trees import deeper_than, nodes


def test_every_value_is_seen_with_its_depth() -> None:
    """The root is one deep, its children two."""
    assert sorted(depth for _, depth in nodes({"a": [1, {"b": 2}], "c": 3})) == [1, 2, 2, 3, 3, 4]


def test_depth_is_compared() -> None:
    """A limit holds for the deepest value."""
    assert deeper_than([[1]], 2)
    assert not deeper_than([[1]], 3)


def test_great_depth_does_not_need_the_stack() -> None:
    """A value nested a hundred thousand times is walked like any other."""
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    assert deeper_than(value, 50_000)
    while value:  # taken apart by hand, or its own end would need the stack
        value = value.pop()  # type: ignore[assignment]
