"""Schemas of strangers: bounded, self-contained, with linear patterns, or refused with their place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.schemas import SchemaCheck, without_root_references
from glmgate.errors import InvalidRequest
from tests.adaptation.requests import BARE, outcome

LIMITS = BARE.schemas
PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z]", "maxLength": 80},
        "friends": {"type": "array", "items": {"$ref": "#/$defs/person"}, "maxItems": 10},
        "maxItems": {"type": "integer", "description": "a property that has a word of the language as its name"},
        "$ref": {"type": "string"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"person": {"$ref": "#"}, "a/b~c": {"type": "string"}},
}


def check(schema: dict[str, Any]) -> None:
    """Check one schema, called s."""
    SchemaCheck(LIMITS).check(schema, "s")


def refusal(schema: dict[str, Any]) -> InvalidRequest:
    """The error for a schema that is not accepted."""
    with pytest.raises(InvalidRequest) as raised:
        check(schema)
    return raised.value


@pytest.mark.parametrize(
    "schema",
    [
        {},
        PERSON,
        {"$ref": "#/$defs/a~1b~0c", "$defs": PERSON["$defs"]},
        {"anyOf": [{"type": "string"}, {"$ref": "#/anyOf/0"}]},
        {"type": ["string", "null"], "enum": ["a", None]},
        {"properties": {"pattern": {"const": "(?=a)"}}},
        {"items": True, "maxItems": "many"},
    ],
)
def test_ordinary_schemas_pass(schema: dict[str, Any]) -> None:
    """Recursion, escapes in references and odd property names are all right; meaning is the engine's matter."""
    check(schema)


@pytest.mark.parametrize(
    "reference", ["https://example.org/s.json", "file:///etc/passwd", "other.json#/a", "#name", "", 5, None]
)
def test_references_go_nowhere_else(reference: object) -> None:
    """Nothing is ever fetched for a schema."""
    error = refusal({"properties": {"a": {"$ref": reference}}})
    assert error.param == "s.properties.a.$ref"


@pytest.mark.parametrize("reference", ["#/$defs/nobody", "#/properties/a/b", "#/anyOf/2", "#/anyOf/x"])
def test_references_point_to_something(reference: str) -> None:
    """A reference to nothing is the caller's mistake, and is said to be."""
    error = refusal({"properties": {"a": {"type": "string"}}, "anyOf": [{"$ref": reference}, {}]})
    assert error.param == "s.anyOf[0].$ref"
    assert "points to nothing" in error.message


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        ({"pattern": "(?=a)"}, "s.pattern"),
        ({"patternProperties": {"(a)\\1": {}}}, "s.patternProperties"),
        ({"properties": {"a": {"items": {"pattern": "(?<!b)a"}}}}, "s.properties.a.items.pattern"),
        ({"anyOf": [{}, {"not": {"pattern": "(?=a)"}}]}, "s.anyOf[1].not.pattern"),
        ({"properties": {"two words": {"pattern": "(?=a)"}}}, "s.properties.pattern"),
    ],
)
def test_patterns_are_looked_at_everywhere(schema: dict[str, Any], param: str) -> None:
    """A bad pattern is found at any depth, and its place is told without the caller's text."""
    assert refusal(schema).param == param


@pytest.mark.parametrize("word", ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"])
@pytest.mark.parametrize("count", [10**9, -1, 1e300])
def test_impossible_counts_are_refused(word: str, count: float) -> None:
    """A grammar is as large as its counts."""
    assert refusal({word: count}).param == f"s.{word}"


@pytest.mark.parametrize(
    "schema",
    [
        {"minLength": 5, "maxLength": 2},
        {"minItems": 5, "maxItems": 4.5},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": ["integer"], "minimum": 5, "exclusiveMaximum": 5},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 6},
        {"type": "integer", "minimum": 2**63 - 1, "exclusiveMaximum": -(2**63)},
        {"type": "integer", "minimum": 0.5, "maximum": 0.7},
    ],
)
def test_bounds_the_wrong_way_round_are_refused(schema: dict[str, Any]) -> None:
    """Nothing is within them, and the engine takes all memory or fails."""
    error = refusal({"items": schema})
    assert (error.param or "").startswith("s.items")


@pytest.mark.parametrize(
    "schema",
    [
        {"minLength": 2, "maxLength": 2},
        {"type": "integer", "minimum": 5, "maximum": 5},
        {"type": "integer", "exclusiveMinimum": 5, "maximum": 6},
        {"type": "integer", "minimum": -1e300, "maximum": 1e300, "exclusiveMinimum": False},
        {"minLength": "5", "maxLength": None},
    ],
)
def test_bounds_with_something_between_them_pass(schema: dict[str, Any]) -> None:
    """Whatever their form, the engine says what is wrong with that."""
    check(schema)


def test_choices_behind_references_are_bounded() -> None:
    """A small schema can have a million ways, and the engine follows all of them."""
    doubled = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(20)}
    error = refusal({"$defs": {**doubled, "a20": {"type": "string"}}, "items": {"$ref": "#/$defs/a0"}})
    assert error.param == "s"
    assert "more than 1000 ways" in error.message


def test_depth_is_bounded() -> None:
    """What is nested too deeply is refused, without the stack."""
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"items": schema}
    assert "nested deeper" in refusal(schema).message


def test_size_is_bounded() -> None:
    """So are the number of values and the bytes."""
    assert "more than 8000 values" in refusal({"examples": list(range(9_000))}).message
    assert "bytes" in refusal({"description": "a" * 200_000}).message


def test_properties_and_choices_are_bounded() -> None:
    """Their grammars take the engine long to build."""
    assert refusal({"items": {"properties": {f"p{n}": {} for n in range(257)}}}).param == "s.items.properties"
    assert refusal({"anyOf": [{"enum": list(range(600))}, {"enum": list(range(600))}]}).param == "s.anyOf[0].enum"


def test_some_limits_hold_for_all_schemas_of_a_request() -> None:
    """A hundred tools do not cost a hundred times as much."""
    together = SchemaCheck(LIMITS)
    together.check({"enum": list(range(1000)), "pattern": "^([a-z]{1,30}){1,30}$"}, "one")
    for schema in ({"enum": [1]}, {"items": {"pattern": "^([a-z]{1,30}){1,40}$"}}, {"examples": list(range(7_500))}):
        with pytest.raises(InvalidRequest) as raised:
            together.check(schema, "other")
        assert (raised.value.param or "").startswith("other")


def test_references_to_the_root_become_references_to_a_copy() -> None:
    """The engine does not know '#'; what is meant stays the same."""
    tree = {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "x": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"$ref": "#"}},
    }
    changed = without_root_references(tree)
    body = {"type": "object", "properties": {"next": {"$ref": "#/$defs/glmgate_root"}, "x": {"$ref": "#/$defs/a"}}}
    assert changed == {**body, "$defs": {"a": {"$ref": "#/$defs/glmgate_root"}, "glmgate_root": body}}
    check(changed)
    assert without_root_references(PERSON["properties"]["name"]) is PERSON["properties"]["name"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "$ref", "$defs", "pattern", "maxItems", "enum", "x"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["properties", "items", "anyOf", "$ref", "pattern", "allOf", "x"]), JSON))
def test_any_json_is_accepted_or_refused(schema: dict[str, Any]) -> None:
    """No schema makes anything but a clear refusal."""
    refused = outcome(lambda: check(schema))
    assert refused is None or (isinstance(refused, InvalidRequest) and (refused.param or "").startswith("s"))


@pytest.mark.parametrize(
    ("schema", "partly"),
    [
        (PERSON, False),
        ({"type": "object", "properties": {"not": {"type": "string"}, "multipleOf": {"type": "integer"}}}, False),
        ({"not": {"type": "string"}}, True),
        ({"properties": {"a": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}}}, True),
        ({"type": "integer", "minimum": 3}, False),
        ({"type": "number", "minimum": 3}, True),
        ({"type": "string", "format": "date"}, False),
        ({"type": "string", "format": "email"}, True),
        ({"anyOf": [{"type": "string"}, {"if": {}, "then": {}}]}, True),
    ],
)
def test_what_the_engine_does_not_obey_is_known(schema: dict[str, Any], partly: bool) -> None:
    """Words that bind in the schema language and not in the engine are seen at every level; names of properties not."""
    seen = SchemaCheck(LIMITS)
    seen.check(schema, "s")
    assert seen.partly is partly


def test_recursion_that_doubles_is_refused_at_its_choice() -> None:
    """The engine would answer nobody for as long as it reads such a schema; the message says how to write it."""
    pair = {"type": "object", "properties": {"k": {"$ref": "#/$defs/a"}}, "required": ["k"]}
    error = refusal({"$defs": {"a": {"anyOf": [pair, pair]}}, "$ref": "#/$defs/a"})
    assert error.param == "s.$defs.a"
    assert "a property that has its own const" in error.message


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 5, "maxLength": 1},
        {"anyOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}, "b": {}}}]},
    ],
)
def test_what_stops_grammars_is_no_harm_elsewhere(schema: dict[str, Any]) -> None:
    """Where an answer is validated, only what a validator cannot bear is refused."""
    SchemaCheck(BARE.schemas, grammar=False).check(schema, "p")
    with pytest.raises(InvalidRequest):
        SchemaCheck(BARE.schemas).check(schema, "p")


def test_references_stay_inside_wherever_they_are_read() -> None:
    """Also without a grammar."""
    with pytest.raises(InvalidRequest):
        SchemaCheck(BARE.schemas, grammar=False).check({"$ref": "http://example.com"}, "p")
