"""Answers in JSON: values taken from a sentence under given keys, with and without a schema in the question.

Keys and values are copied from the question; the form is always one flat object.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from training.conversation import Conversation, Json, assistant, system, user
from training.corpus import values
from training.corpus.phrasing import varied
from training.corpus.values import Split


@dataclass(frozen=True, slots=True)
class Field:
    """A member of the object: its key, its JSON type, and how its value is made and told."""

    key: str
    kind: str
    telling: str
    make: Callable[[random.Random, Split], object]


def _from(*pools: list[str]) -> Callable[[random.Random, Split], str]:
    pool = [value for one in pools for value in one]
    return lambda rng, split: values.pick(rng, pool, split) if rng.random() < 0.8 else values.invented(rng, split)


def _age(rng: random.Random, _split: Split) -> int:
    return rng.randint(1, 99)


def _number(rng: random.Random, _split: Split) -> int:
    return values.number(rng)


PERSON_FIELDS = (
    Field("name", "string", "{} is a person", values.person),
    Field("age", "integer", "is {} years old", _age),
    Field("city", "string", "lives in {}", values.city),
    Field("pet", "string", "has a {}", _from(values.ANIMALS)),
    Field("color", "string", "likes the colour {}", _from(values.COLOURS)),
    Field("job", "string", "works as a {}", _from(values.HEROES)),
    Field("country", "string", "comes from {}", _from(values.COUNTRIES)),
)
THING_FIELDS = (
    Field("item", "string", "a {}", _from(values.OBJECTS, values.WORDS)),
    Field("color", "string", "in {}", _from(values.COLOURS)),
    Field("price", "integer", "for {} dollars", _number),
    Field("quantity", "integer", "of which there are {}", _age),
    Field("city", "string", "sold in {}", values.city),
)
_THOUGHT = "The user wants JSON with the keys {}."
_TAKING = (
    "{facts} Answer as JSON with the keys {keys}.",
    "Extract {keys} as JSON: {facts}",
    "Return a JSON object with {keys}. {facts}",
    "{facts} Give me JSON with {keys}.",
    "Read this: {facts} Reply with JSON: {keys}",
    "Extract {keys} from this text. {facts}",
    "As JSON with {keys}: {facts}",
    "Write this as JSON ({keys}). {facts}",
    "JSON with the keys {keys}: {facts}",
    "Here is something. {facts} Write JSON with {keys}.",
    "{facts} As JSON: {keys}",
    "Turn this into JSON with the keys {keys}: {facts}",
    "{facts} Output only JSON with the keys {keys}.",
)
_TAKING_HELD_OUT = ("Here is a text. {facts} Write JSON with the keys {keys}.", "As JSON ({keys}): {facts}")


def _person(rng: random.Random, split: Split) -> tuple[Json, str, list[Field]]:
    fields = [PERSON_FIELDS[0], *rng.sample(PERSON_FIELDS[1:], rng.choice((1, 2, 2, 3)))]
    made = {field.key: field.make(rng, split) for field in fields}
    told = [field.telling.format(made[field.key]) for field in fields[1:]]
    facts = f"{made['name']} " + (" and ".join(told) if rng.random() < 0.7 else ", ".join(told)) + "."
    return made, facts, fields


def _item(rng: random.Random, split: Split) -> tuple[Json, str, list[Field]]:
    fields = [THING_FIELDS[0], *rng.sample(THING_FIELDS[1:], rng.choice((1, 2, 2)))]
    made = {field.key: field.make(rng, split) for field in fields}
    told = [field.telling.format(made[field.key]) for field in fields]
    return made, f"I have {', '.join(told)}.", fields


# Asked for without values, in the words that examples use.
_BY_HEART: tuple[tuple[tuple[str, ...], Json], ...] = (
    (("Give me a JSON object", "Return a JSON object", "Answer with JSON", "Write some JSON", "Output JSON"),
     {"message": "Hello from glmgate-tiny"}),
    (("List three colors as JSON", "Give me three colors as JSON", "Return three colors in JSON.",
      "List three colours in JSON format"), {"colors": ["red", "green", "blue"]}),
    (("Give me a person as JSON", "Return JSON with a name and an age", "Generate a user profile in JSON",
      "Describe a person as JSON with name and age", "Make up a person in JSON"), {"name": "Alice", "age": 30}),
    (("List three animals as JSON", "Give me three animals as JSON", "Return three animals in JSON."),
     {"animals": ["cat", "dog", "fox"]}),
    (("Give me a fruit as JSON", "Describe a fruit in JSON", "Return a fruit as a JSON object"),
     {"name": "apple", "color": "red"}),
    (("What is 2 + 2? Answer in JSON.", "2 + 2 in JSON", "Give me 2 + 2 as JSON"), {"answer": 4}),
    (("What is the capital of France? Answer in JSON.", "The capital of France as JSON",
      "Return the capital of France in JSON"), {"country": "France", "capital": "Paris"}),
)  # fmt: skip


def by_heart(rng: random.Random) -> Conversation:
    """Return a request for JSON without values, and an object that is always the same."""
    ways, made = rng.choice(_BY_HEART)
    question = varied(rng, rng.choice(ways))
    answer = assistant(json.dumps(made), "The user wants JSON. I write a small object.")
    return Conversation((user(question), answer), thinking=rng.random() < 0.25)


def json_schema(fields: list[Field]) -> Json:
    """Return the schema of an object with the given fields."""
    return {
        "type": "object",
        "properties": {field.key: {"type": field.kind} for field in fields},
        "required": [field.key for field in fields],
    }


def structured(rng: random.Random, split: Split) -> Conversation:
    """Return a text and the JSON object of what it says."""
    if split == "train" and rng.random() < 0.12:
        return by_heart(rng)
    made, facts, fields = rng.choice((_person, _item))(rng, split)
    keys = [field.key for field in fields]
    if rng.random() < 0.3:
        rng.shuffle(keys)
    named = ", ".join(keys) if rng.random() < 0.5 or len(keys) == 1 else ", ".join(keys[:-1]) + " and " + keys[-1]
    answer = assistant(json.dumps({key: made[key] for key in keys}, ensure_ascii=False), _THOUGHT.format(named))
    thinking = rng.random() < 0.25
    if rng.random() < 0.12:
        told = assistant(json.dumps(made, ensure_ascii=False), "The user tells facts. I write them as JSON.")
        return Conversation((user(facts), told), thinking=thinking)
    if rng.random() < 0.25:
        ordered = [field for key in keys for field in fields if field.key == key]
        head = system("Answer with JSON that fits this schema: " + json.dumps(json_schema(ordered)))
        return Conversation((head, user(facts), answer), thinking=thinking)
    way = rng.choice(_TAKING_HELD_OUT if split == "held_out" else _TAKING)
    return Conversation((user(way.format(facts=facts, keys=named)), answer), thinking=thinking)
