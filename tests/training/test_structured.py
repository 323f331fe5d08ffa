"""Tests of the conversations that are answered in JSON."""

from __future__ import annotations

import json
import random
import re

from training.corpus.structured import PERSON_FIELDS, THING_FIELDS, by_heart, json_schema, structured

KINDS = {"string": str, "integer": int}


def test_every_answer_is_one_flat_object() -> None:
    """The answer is JSON and nothing else."""
    rng = random.Random(1)
    for _ in range(300):
        made = json.loads(structured(rng, "train").messages[-1].content)
        assert isinstance(made, dict)


def test_judged_values_are_told_in_the_question() -> None:
    """Each value of an answer stands in what was asked, or could not be known."""
    rng = random.Random(2)
    for _ in range(300):
        made = structured(rng, "held_out")
        told = " ".join(message.content for message in made.messages[:-1])
        assert all(str(value) in told for value in json.loads(made.messages[-1].content).values())


def test_keys_come_in_the_order_that_is_asked_for() -> None:
    """Where keys are named, the answer has them in that order."""
    rng = random.Random(3)
    for _ in range(300):
        made = structured(rng, "held_out")
        named = re.search(r"(?:keys |JSON \()([a-z, ]+?)(?:\.|\))", made.messages[-2].content)
        if named:
            keys = re.split(r", | and ", named.group(1))
            assert list(json.loads(made.messages[-1].content)) == keys


def test_a_schema_names_every_field() -> None:
    """The schema in a system prompt requires each key with its type."""
    schema = json_schema([PERSON_FIELDS[0], THING_FIELDS[2]])
    assert schema["required"] == ["name", "price"]
    assert schema["properties"] == {"name": {"type": "string"}, "price": {"type": "integer"}}


def test_what_is_known_by_heart_is_the_same_each_time() -> None:
    """A question without values has one answer."""
    rng = random.Random(4)
    answers: dict[str, set[str]] = {}
    for _ in range(500):
        question, answer = by_heart(rng).messages
        answers.setdefault(question.content.lower().rstrip("?.!"), set()).add(answer.content)
    assert all(len(given) == 1 for given in answers.values())
