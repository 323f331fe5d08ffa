"""Answers are held to schemas of strangers: linear, bounded, with nothing fetched (contract rows R1, R2)."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.judge import Judge, bare
from glmgate.errors import InvalidRequest
from tests.adaptation.documents import JSON

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": "Ada", "age": 36}', None),
        ('{"name": "Ada", "age": "36"}', "['age']"),
        ('{"name": "ada", "age": 36}', "['name']"),
        ('{"name": "Ada"}', '"age" is a required property'),
        ('{"name": "Ada", "age": 36, "x": 1}', "'x'"),
        ("[]", "the top"),
        ("Ada is 36", "not valid JSON"),
        ('{"name": "Ada", "age": 36} Enjoy!', "not valid JSON"),
        ("", "not valid JSON"),
        ("[" * 5000 + "]" * 5000, "not valid JSON"),
        ("[" * 200 + "]" * 200, "deeper"),
    ],
)
def test_problems_are_said_in_words(text: str, words: str | None) -> None:
    """For the model, which has to know what to do better."""
    problem = Judge(SCHEMA, "p").problem(text)
    assert problem is None if words is None else words in (problem or "")


def test_a_problem_shows_no_values() -> None:
    """And is short, whatever the answer holds."""
    problem = Judge(SCHEMA, "p").problem(json.dumps({"name": "A", "age": "secret" * 1000}))
    assert problem is not None
    assert "secret" not in problem
    assert len(problem) < 400


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"pattern": "(?=a)"},
        {"pattern": "(a{900}){900}"},
        {"$ref": "http://example.com/schema"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "http://example.com/own"},
        {"$ref": "#/$defs/absent"},
        {"$ref": "#"},
        {"properties": 1},
    ],
)
def test_what_is_no_schema_is_refused(schema: dict[str, Any]) -> None:
    """With its place; nothing is fetched."""
    with pytest.raises(InvalidRequest) as raised:
        Judge(schema, "response_format.json_schema.schema")
    assert raised.value.param == "response_format.json_schema.schema"


def test_patterns_take_linear_time() -> None:
    """A pattern that keeps others busy for ever."""
    judge = Judge({"pattern": "^(a+)+$"}, "p")
    start = process_time()
    assert judge.problem(json.dumps("a" * 50_000 + "b")) is not None
    assert process_time() - start < 1


def test_values_that_would_take_too_long_are_not_looked_at() -> None:
    """A tree of several kinds, deep enough to be looked at millions of times."""
    kinds = [{"properties": {"l": {"$ref": "#"}, "k": {"const": kind}}, "required": ["k"]} for kind in range(4)]
    value: dict[str, Any] = {"k": 9}
    for _ in range(15):
        value = {"k": 3, "l": value}
    start = process_time()
    assert "too deep" in (Judge({"anyOf": kinds}, "p").problem(json.dumps(value)) or "")
    assert process_time() - start < 1


def test_reasons_that_would_take_too_long_are_not_asked_for() -> None:
    """To see that a value is bad takes a moment; to say why, half a minute."""
    kinds = [{"properties": {"l": {"$ref": "#"}, "k": {"const": kind}}, "required": ["k"]} for kind in range(4)]
    value: dict[str, Any] = {"k": 9}
    for _ in range(7):
        value = {"k": 3, "l": value}
    start = process_time()
    assert Judge({"anyOf": kinds}, "p").problem(json.dumps(value)) == "it does not follow the schema"
    assert process_time() - start < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (' {"a": 1}\n', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('```\n{"a": 1}\n```\n', '{"a": 1}'),
        ('```{"a": 1}```', '{"a": 1}'),
        ('```json\n{"a": 1}', '{"a": 1}'),
        ('Here:\r\n```JSON\r\n{"a": 1}\r\n```\r\nEnjoy!', '{"a": 1}'),
        ('{"a": "```json"}', '{"a": "```json"}'),
        ("prose", "prose"),
        ("", ""),
        ("```", ""),
    ],
)
def test_fences_are_taken_off(text: str, expected: str) -> None:
    """And prose around them; fences inside of JSON are its text."""
    assert bare(text) == expected


@given(JSON, st.sampled_from(["```", "```json", "```json5 "]))
def test_any_value_survives_its_fence(value: object, fence: str) -> None:
    """Any JSON in any fence comes out as it was."""
    text = json.dumps(value)
    assert bare(f"{fence}\n{text}\n```") == bare(text) == text
