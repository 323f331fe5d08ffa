"""What holding a value to a schema costs is known before it is done."""

from __future__ import annotations

from time import process_time
from typing import Any

import jsonschema_rs
import pytest

from glmgate.adaptation.effort import MOST, Effort, effort, levels_of

LIST: dict[str, Any] = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
        }
    },
    "$ref": "#/$defs/node",
}


def tree(kinds: int) -> dict[str, Any]:
    """A schema of trees with several kinds of node, each of which may hold any other."""
    return {
        "anyOf": [
            {"type": "object", "properties": {"left": {"$ref": "#"}, "kind": {"const": kind}}, "required": ["kind"]}
            for kind in range(kinds)
        ]
    }


def chain(word: str, levels: int) -> dict[str, Any]:
    """Definitions that each name the next one twice for the same value."""
    forms: dict[str, Any] = {}
    for place in range(levels):
        following = {"$ref": f"#/$defs/d{place + 1}"}
        forms[f"d{place}"] = {"if": following, "then": following} if word == "if" else {word: [following, following]}
    return {"$ref": "#/$defs/d0", "$defs": {**forms, f"d{levels}": {"type": "object"}}}


def deep(levels: int, leaf: object) -> Any:
    """A value of so many levels."""
    value = leaf
    for _ in range(levels):
        value = {"kind": 1, "left": value}
    return value


def found(schema: dict[str, Any]) -> Effort:
    """The effort, which has to be bounded."""
    bound = effort(schema)
    assert bound is not None
    return bound


def test_plain_schemas_cost_their_size() -> None:
    """However deep the value is."""
    bound = found({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}})
    assert bound.fan == 1
    assert bound.of(levels_of({"a": [1] * 100})) < 1000


def test_a_recursion_of_one_way_is_linear() -> None:
    """Linked lists may be as long as they like."""
    value: Any = None
    for _ in range(60):
        value = {"value": 1, "next": value}
    assert found(LIST).of(levels_of(value)) < 1000


def test_a_recursion_of_several_ways_grows_with_depth() -> None:
    """Each level multiplies what is looked at."""
    bound = found(tree(4))
    assert bound.fan == 4
    assert bound.of(levels_of(deep(3, None))) < MOST < bound.of(levels_of(deep(12, None)))


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf", "if"])
def test_definitions_that_double_are_not_looked_through(word: str) -> None:
    """Twenty of them are a million schemas for one value."""
    assert effort(chain(word, 20)) is None


def test_a_reference_to_itself_has_no_bound() -> None:
    """Nor have two that lead to each other."""
    assert effort({"$ref": "#"}) is None
    assert effort({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}}) is None


def test_names_and_patterns_may_hold_for_one_member() -> None:
    """Both are looked at for each level."""
    bound = found({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"^a$": {"$ref": "#"}}})
    assert (bound.fan, bound.whole) == (2, None)


def test_large_schemas_are_looked_through() -> None:
    """Hundreds of objects with a dozen members each are no more than they are."""
    part = {"type": "object", "properties": {f"q{place}": {"type": "string"} for place in range(15)}}
    bound = found({"type": "object", "properties": {f"p{place}": dict(part) for place in range(240)}})
    assert (bound.here, bound.fan) == (1, 1)


def test_what_nobody_looked_at_has_all_looked_at_again() -> None:
    """A word about the rest needs to know what the others hold for."""
    plain = found({"allOf": [{"properties": {"a": {}}}]})
    rest = found({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False})
    assert (rest.here, rest.fan) == (2 * plain.here, 2 * plain.fan)


def test_what_is_unfolded_bounds_what_does_not_recur() -> None:
    """Many alternatives of several levels are no more than they are when written out."""
    leaf = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}
    bound = found({"anyOf": [leaf] * 30})
    assert bound.whole is not None
    assert bound.of(levels_of(deep(5, {"a": {"b": 1}}))) < MOST


def test_the_look_itself_is_quick() -> None:
    """Also at schemas that are made to make it slow."""
    wide = {f"p{place}": {"anyOf": [{"$ref": "#/$defs/a"}] * 500} for place in range(250)}
    start = process_time()
    effort({"properties": wide, "$defs": {"a": {}}})
    effort({"$defs": {f"d{place}": {"$ref": f"#/$defs/d{place + 1}"} for place in range(900)} | {"d900": {}}})
    assert process_time() - start < 1


@pytest.mark.parametrize("kinds", [2, 4])
def test_the_bound_holds_for_the_validator(kinds: int) -> None:
    """What is within it takes a moment, also where nothing fits."""
    schema = tree(kinds)
    bound = found(schema)
    levels = max(level for level in range(30) if bound.of(levels_of(deep(level, {"kind": "none"}))) <= MOST)
    validator = jsonschema_rs.validator_for(schema, offline=True)
    start = process_time()
    assert not validator.is_valid(deep(levels, {"kind": "none"}))
    assert process_time() - start < 1
