"""In how many ways a schema can go on: sums of choices, through references."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.adaptation.ways import target, ways

TEXT: dict[str, Any] = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        ({}, 1),
        ({"anyOf": [TEXT, {"enum": [1, 2, 3]}]}, 4),
        ({"type": ["string", "null"]}, 2),
        ({"properties": {"a": {"oneOf": [TEXT] * 3}, "b": {"oneOf": [TEXT] * 5}}}, 5),
        ({"prefixItems": [TEXT, {"anyOf": [TEXT, TEXT]}], "items": True}, 2),
        ({"anyOf": [{"$ref": "#/$defs/a"}] * 3, "$defs": {"a": {"anyOf": [TEXT] * 4}}}, 12),
        ({"anyOf": [{"type": "null"}, {"items": {"$ref": "#"}}]}, 2),
        ({"$ref": "#/nobody"}, 1),
        ({"anyOf": 5, "enum": "x", "items": None, "$ref": 5, "properties": [1]}, 1),
    ],
)
def test_choices_add_up(schema: dict[str, Any], count: int) -> None:
    """Choices at one place are a sum, places after each other the largest, recursion counts once."""
    assert ways(schema, 1000) == count


def test_a_number_above_the_bound_stays_small() -> None:
    """Ten thousand millions are not counted one by one, nor is the stack as deep as a chain of references."""
    tenfold = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 10} for n in range(10)}
    assert ways({"$ref": "#/$defs/a0", "$defs": {**tenfold, "a10": TEXT}}, 1000) == 1001
    chain = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(2000)}
    assert ways({"$ref": "#/$defs/a0", "$defs": {**chain, "a2000": TEXT}}, 1000) == 1001


def test_targets_are_found_by_their_path() -> None:
    """Escapes and places in lists count; what is not there is None."""
    root = {"a/b~c": [TEXT, False]}
    assert target("#", root) == (root,)
    assert target("#/a~1b~0c/0", root) == (TEXT,)
    assert target("#/a~1b~0c/1", root) == (False,)
    assert target("#/a~1b~0c/2", root) is None
