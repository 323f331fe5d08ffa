"""Walking JSON values of strangers without recursion, so that depth is a matter of data and never of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A decoded JSON value of a stranger: nothing is known of its form."""


def nodes(value: Json) -> Iterator[tuple[Json, int]]:
    """Every value inside `value`, itself included, with its depth (1 at the root)."""
    waiting = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        if isinstance(node, dict):
            waiting.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            waiting.extend((child, depth + 1) for child in node)


def deeper_than(value: Json, limit: int) -> bool:
    """True when something in `value` lies deeper than `limit` levels."""
    return any(depth > limit for _, depth in nodes(value))
