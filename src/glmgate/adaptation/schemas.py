"""Which JSON schemas of strangers are accepted: bounded in size and depth, references only inside, linear patterns.

What a schema means is the engine's matter; nothing here validates a value against one.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from glmgate.adaptation.patterns import nesting, objection
from glmgate.adaptation.profile import SchemaLimits
from glmgate.adaptation.recursion import ambiguous
from glmgate.adaptation.trees import Json, deeper_than
from glmgate.adaptation.ways import target, ways
from glmgate.errors import InvalidRequest

_AT_LEAST: Final = frozenset({"minLength", "minItems", "minProperties"})
_AT_MOST: Final = frozenset({"maxLength", "maxItems", "maxProperties"})
_PAIRS: Final = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
_LOWER: Final = frozenset({"minimum", "exclusiveMinimum"})
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
# Below these the keys are names that the caller made up, not words of the schema language.
_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
# Below these are schemas, one or a list of them.
_SCHEMAS: Final = frozenset(
    {
        *("anyOf", "oneOf", "allOf", "prefixItems", "items", "additionalItems", "unevaluatedItems", "contains"),
        *("additionalProperties", "unevaluatedProperties", "propertyNames", "not", "if", "then", "else"),
    }
)
# The engine bounds integers only (measured).
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_OWN_ROOT: Final = "glmgate_root"
_WORTH_KEEPING: Final = 8192  # bytes; 256 of them are kept


@dataclass(slots=True)
class SchemaCheck:
    """Checks the schemas of one request: some of the limits hold for all of them together.

    `partly` is true once a word was seen that the engine does not obey: its answers then need not match the schema.
    With `grammar` the engine makes a grammar of it, and what stops that is refused too.
    """

    limits: SchemaLimits
    grammar: bool = True
    values: int = 0
    choices: int = 0
    nested: int = 0
    partly: bool = False

    def check(self, schema: dict[str, Any], path: str) -> None:
        """Raise InvalidRequest, with the place as `param`, when `schema` is not accepted."""
        known = _known(schema, self.limits, grammar=self.grammar)
        if known is None or not self._adds(known):
            self._examine(schema, path)

    def _adds(self, known: tuple[int, int, int, bool]) -> bool:
        """Count a schema that is good by itself; False when it is too much with those before it."""
        values, choices, nested = self.values + known[0], self.choices + known[1], self.nested + known[2]
        limits = self.limits
        if values > limits.values or choices > limits.choices or nested > limits.repeat * 2:
            return False
        self.values, self.choices, self.nested = values, choices, nested
        self.partly = self.partly or known[3]
        return True

    def _examine(self, schema: dict[str, Any], path: str) -> None:
        self._bound_size(schema, path)
        waiting: list[tuple[Json, str]] = [(schema, path)]
        while waiting:
            node, place = waiting.pop()
            if isinstance(node, dict):
                self.partly = self.partly or self._is_ignored(node)
                if self.grammar:
                    _check_pairs(node, place)
                for word, item in node.items():
                    self._check_member(word, item, f"{place}.{word}", schema)
                    waiting.extend(_below(word, item, place))
        if not self.grammar:
            return
        if ways(schema, self.limits.choices) > self.limits.choices:
            raise _refusal(path, f"offers more than {self.limits.choices} ways at one place, references followed")
        if (choice := ambiguous(schema)) is not None:
            why = "leads back to itself on two ways that begin alike; start each with a property that has its own const"
            raise _refusal(_place_of(choice, schema, path), why)

    def _bound_size(self, schema: dict[str, Any], path: str) -> None:
        limits = self.limits
        try:
            text = msgspec.json.encode(schema)
        except RecursionError as exc:
            raise _refusal(path, f"is nested deeper than {limits.depth} levels") from exc
        if len(text) > limits.bytes:
            raise _refusal(path, f"has {len(text)} bytes, at most {limits.bytes}")
        # Counted in its text, which is far quicker than a walk: each container, and each item but one, has its mark.
        opened = text.count(b"{") + text.count(b"[")
        self.values += opened + text.count(b",")
        if self.values > limits.values:
            raise _refusal(path, f"makes more than {limits.values} values, with the schemas before it")
        # A level of the data is two of the schema: `properties`, and the property.
        if opened > limits.depth * 2 and deeper_than(schema, limits.depth * 2):
            raise _refusal(path, f"is nested deeper than {limits.depth} levels")

    def _is_ignored(self, node: dict[str, Any]) -> bool:
        """Whether a word at this place binds in the schema language, but not in the engine."""
        if not node.keys().isdisjoint(self.limits.ignored):
            return True
        if not node.keys().isdisjoint(_BOUNDS) and node.get("type") != "integer":
            return True
        return "format" in node and node["format"] not in self.limits.formats

    def _check_member(self, word: str, item: Json, place: str, root: dict[str, Any]) -> None:
        if word in _REFERENCES:
            _check_reference(item, place, root)
        elif word in _AT_LEAST:
            _check_count(item, place, self.limits.least)
        elif word in _AT_MOST:
            _check_count(item, place, self.limits.most)
        elif word in ("pattern", "patternProperties"):
            for pattern in item if isinstance(item, dict) else (item,):
                self._check_pattern(pattern, place)
        else:
            self._check_number(word, item, place)

    def _check_number(self, word: str, item: Json, place: str) -> None:
        """How many of something there are."""
        if word == "enum" and isinstance(item, list):
            self.choices += len(item)
            if self.choices > self.limits.choices:
                raise _refusal(place, f"makes more than {self.limits.choices} values of enums in all")
        elif word == "properties" and isinstance(item, dict) and len(item) > self.limits.properties:
            raise _refusal(place, f"has more than {self.limits.properties} properties")

    def _check_pattern(self, pattern: object, place: str) -> None:
        if not isinstance(pattern, str):
            return
        if why := objection(pattern, longest=self.limits.pattern, repeat=self.limits.repeat):
            raise _refusal(place, f"is not accepted: {why}")
        self.nested += nesting(pattern)
        if self.nested > self.limits.repeat * 2:
            raise _refusal(place, "is not accepted: with the patterns before it, it is too large")


def _known(schema: dict[str, Any], limits: SchemaLimits, *, grammar: bool) -> tuple[int, int, int, bool] | None:
    """What a good schema counts for; None when it is not known to be one."""
    try:
        text = msgspec.json.encode(schema)
        return _examined(text, limits, grammar=grammar) if len(text) <= _WORTH_KEEPING else None
    except (RecursionError, InvalidRequest):
        return None


@functools.lru_cache(maxsize=256)
def _examined(text: bytes, limits: SchemaLimits, *, grammar: bool) -> tuple[int, int, int, bool]:
    """The same tools come with every request of a conversation, and to look at one takes 50 µs."""
    check = SchemaCheck(limits, grammar=grammar)
    check._examine(msgspec.json.decode(text), "")  # noqa: SLF001 - the same module
    return check.values, check.choices, check.nested, check.partly


def without_root_references(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with references to its root (`#`), which the engine does not know, to a copy under `$defs` instead."""
    if b'"$ref":"#"' not in msgspec.json.encode(schema):
        return schema
    moved: dict[str, Any] = _pointed(schema, f"#/$defs/{_OWN_ROOT}")
    body = {name: item for name, item in moved.items() if name != "$defs"}
    return {**moved, "$defs": {**_named(moved, "$defs"), _OWN_ROOT: body}}


def _pointed(schema: Json, root: str) -> Json:
    if isinstance(schema, list):
        return [_pointed(item, root) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: root if key == "$ref" and item == "#" else _pointed(item, root) for key, item in schema.items()}


def _check_reference(reference: object, place: str, root: dict[str, Any]) -> None:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise _refusal(place, "must point into the schema itself ('#/…'); others are never fetched")
    if target(reference, root) is None:
        raise _refusal(place, "points to nothing in the schema")


def _check_pairs(node: dict[str, Any], place: str) -> None:
    """Nothing is within bounds that are the wrong way round, and the engine takes all memory there is for them."""
    for least, most in _PAIRS:
        low, high = node.get(least), node.get(most)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            raise _refusal(f"{place}.{least}", f"is {low}, but {most} is {high}")
    lows = [*_whole(node, "minimum", 0), *_whole(node, "exclusiveMinimum", 1)]
    highs = [*_whole(node, "maximum", 0), *_whole(node, "exclusiveMaximum", -1)]
    if lows and highs and node.get("type") in ("integer", ["integer"]) and max(lows) > min(highs):
        raise _refusal(place, f"has no whole number: none is from {max(lows)} to {min(highs)}")


def _whole(node: dict[str, Any], word: str, step: int) -> list[int]:
    """The first whole number within a bound; `step` is 0 where the bound itself is, else the way into it."""
    bound = node.get(word)
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        return []
    inward = math.ceil(bound) if word in _LOWER else math.floor(bound)
    return [inward + step if inward == bound else inward]


def _check_count(count: object, place: str, most: int) -> None:
    if isinstance(count, int | float) and not 0 <= count <= most:
        raise _refusal(place, f"is {count}, but must be between 0 and {most}")


def _below(word: str, item: Json, place: str) -> list[tuple[Json, str]]:
    """The schemas in a member of a schema, with their places."""
    if word in _NAMED and isinstance(item, dict):
        return [(child, _join(f"{place}.{word}", name)) for name, child in item.items()]
    if word in _SCHEMAS:
        if isinstance(item, dict):
            return [(item, f"{place}.{word}")]
        if isinstance(item, list):
            return [(child, f"{place}.{word}[{index}]") for index, child in enumerate(item)]
    return []


def _place_of(wanted: dict[str, Any], schema: dict[str, Any], path: str) -> str:
    """Where a schema is in the whole one, as far as that can be said."""
    waiting: list[tuple[Json, str]] = [(schema, path)]
    while waiting:
        node, place = waiting.pop()
        if node is wanted:
            return place
        if isinstance(node, dict):
            waiting.extend(child for word, item in node.items() for child in _below(word, item, place))
    return path


def _named(node: dict[str, Any], word: str) -> dict[str, Any]:
    named = node.get(word)
    return named if isinstance(named, dict) else {}


def _join(place: str, name: str) -> str:
    """Names are the caller's: short plain ones stand in the path, others don't."""
    return f"{place}.{name}" if name.isidentifier() and len(name) <= 64 else place


def _refusal(place: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{place!r} {why}.", param=place)
