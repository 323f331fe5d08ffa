"""Schemas that contain themselves: those that can be read in one way only pass, the others are found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.recursion import ambiguous

A: dict[str, Any] = {"$ref": "#/$defs/a"}
TEXT: dict[str, Any] = {"type": "string"}
ARRAY: dict[str, Any] = {"type": "array", "minItems": 1, "items": A}


def union(*branches: object, word: str = "anyOf", **defs: object) -> dict[str, Any]:
    """A schema whose definition `a` is a choice."""
    return {"$defs": {"a": {word: list(branches)}, **defs}, **A}


def thing(*required: str, **properties: object) -> dict[str, Any]:
    """An object with these required properties."""
    return {"type": "object", "properties": properties, "required": list(required)}


@pytest.mark.parametrize(
    "schema",
    [
        union(ARRAY, ARRAY),
        union(ARRAY, {"items": A}),
        union({"type": "array", "prefixItems": [TEXT, A]}, {"type": "array", "contains": A}),
        union(thing("k", k=A), thing("k", k=A), word="oneOf"),
        union(thing("k", k=A), {"properties": {"k": A}}),
        union(thing(k=A), thing(k=A, b=TEXT)),
        union(thing("k", "op", k=A, op={"const": "x"}), thing("k", "op", k=A, op={"const": "y"})),
        union(thing("op", "k", op=TEXT, k=A), thing("op", "k", op={"const": "y"}, k=A)),
        union({"$ref": "#/$defs/b"}, ARRAY, b={"anyOf": [TEXT, ARRAY]}),
        union({"type": "object", "additionalProperties": A}, thing("k", k=A)),
        union({"allOf": [thing("k", k=A)]}, thing("k", k=A)),
        union(*({"allOf": [thing("op", k=A, op={"const": op})]} for op in "+-")),
        union(*(thing(k=A) | {"allOf": [thing("op", op={"const": op})]} for op in "+-")),
        union(TEXT, A, {"$ref": "#/$defs/a"}),
        {"items": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "type": "array"},
        {"type": ["array", "array"], "items": {"$ref": "#"}},
    ],
)
def test_two_ways_back_are_found(schema: dict[str, Any]) -> None:
    """Two branches that are the same until they come back to their choice double with each level."""
    assert ambiguous(schema) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}},
        union(TEXT, {"type": "number"}, ARRAY, {"type": "object", "additionalProperties": A}),
        union({"type": "null"}, thing("next", value=TEXT, next=A)),
        union(
            thing("op", "l", "r", op={"const": "add"}, l=A, r=A),
            thing("op", "l", op={"enum": ["neg", "not"]}, l=A),
            thing("op", "v", op={"const": "value"}, v={"type": "number"}),
        ),
        union(thing("op", "k", op={"type": "integer"}, k=A), thing("op", "k", op={"type": "string"}, k=A)),
        union(thing("leaf", leaf=A), thing("children", children={"type": "array", "items": A}), word="oneOf"),
        union(thing(left=A), thing(right=A)),
        union({"$ref": "#/$defs/b"}, {"allOf": [thing("m", m=A)]}, b=thing("k", k=A)),
        union(*({"allOf": [thing(op={"const": op}), thing(k=A)]} for op in "+-")),
        {"anyOf": [ARRAY, ARRAY], "$defs": {"a": {"type": "array", "items": A}}},
        {"type": ["array", "null"], "items": {"$ref": "#"}},
        {"anyOf": 5, "type": [[]], "properties": [1], "$ref": "#/nobody", "required": [{}]},
    ],
)
def test_ordinary_recursion_passes(schema: dict[str, Any]) -> None:
    """Trees, lists, values of JSON and expressions are told apart before they come back."""
    assert ambiguous(schema) is None


def test_wide_objects_are_looked_at_once() -> None:
    """Two hundred properties that may each be null or the object itself are no more than that."""
    maybe = {f"p{number}": {"anyOf": [A, {"type": "null"}]} for number in range(200)}
    assert ambiguous({"$defs": {"a": thing(**maybe)}, **A}) is None


def test_a_hundred_kinds_of_node_pass_and_a_thousand_do_not() -> None:
    """The time for the branches of a choice, which are compared with each other, is bounded."""

    def kinds(count: int) -> dict[str, Any]:
        return union(*(thing("op", "k", op={"const": n}, k=A) for n in range(count)))

    assert ambiguous(kinds(100)) is None
    assert ambiguous(kinds(1000)) is not None


WORDS = ("anyOf", "oneOf", "allOf", "items", "properties", "required", "type", "const", "enum", "additionalProperties")
JSON = st.recursive(
    st.sampled_from(["array", "object", 5, None, True, A, {"$ref": "#"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(body=st.dictionaries(st.sampled_from(WORDS), JSON), definition=JSON)
def test_every_schema_comes_to_an_end(body: dict[str, Any], definition: object) -> None:
    """Whatever is written, and wherever it leads, an answer comes: nothing, or a schema."""
    found = ambiguous({**body, "$defs": {"a": definition}})
    assert found is None or isinstance(found, dict)
