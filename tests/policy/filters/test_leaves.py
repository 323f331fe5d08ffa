"""The texts inside of values of any shape."""

from __future__ import annotations

from glmgate.policy.filters.leaves import leaves


def test_every_text_is_changed_and_the_shape_stays() -> None:
    """Lists, objects and what is in them; numbers only become texts where they are changed."""
    value = {"a": "x", "b": [1, "x", {"c": "x", "d": None, "e": True}], "f": 42}
    assert leaves(value, lambda text: {"x": "y", "42": "[n]"}.get(text, text)) == {
        "a": "y",
        "b": [1, "y", {"c": "y", "d": None, "e": True}],
        "f": "[n]",
    }


def test_addresses_ids_and_contents_of_files_are_no_texts() -> None:
    """They would be broken, and take long."""
    value = {"url": "x", "id": "x", "data": "x", "input": "data:image/png;base64,x", "nested": {"type": "x"}}
    assert leaves(value, lambda _: "changed") is value


def test_an_unchanged_value_is_the_same_object() -> None:
    """So that a request stays the one it was."""
    value = {"a": ["b", {"c": "d"}]}
    assert leaves(value, str) is value
