"""Tables are merged member by member, and what is wrong with a text is said in words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.profile_text import explained, merged


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 2}}}, {"a": {"b": {"c": 1, "d": 2}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_tables_are_merged_and_the_rest_replaced(base: dict[str, Any], over: dict[str, Any], result: object) -> None:
    """Neither of the two is changed by it."""
    before = repr((base, over))
    assert merged(base, over) == result
    assert repr((base, over)) == before


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """A table."""

    width: int = 0


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    """A table of tables."""

    height: int = 0
    inner: Inner | None = None
    named: dict[str, Inner] = {}
    listed: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"hight": 1}, "'hight' is not known; did you mean 'height'?"),
        ({"inner": {"widht": 1}}, "'inner.widht' is not known; did you mean 'width'?"),
        ({"named": {"a": {"widht": 1}}}, "'named[...].widht' is not known; did you mean 'width'?"),
        ({"listed": [{"widht": 1}]}, "'listed[0].widht' is not known; did you mean 'width'?"),
        ({"q": 1}, "'q' is not known"),
        ({"inner": {"width": "a"}}, "Expected 'int', got 'str' at 'inner.width'"),
        ({"height": "a"}, "Expected 'int', got 'str' at 'height'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: dict[str, Any], says: str) -> None:
    """And the nearest name of that very table."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(document, Outer)
    assert explained(raised.value, Outer) == says
