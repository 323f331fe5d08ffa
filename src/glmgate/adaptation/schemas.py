"""Which JSON schemas of strangers are accepted: bounded in size and depth, references only inside, linear patterns.

What a schema means is the engine's matter; nothing here validates a value against one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from glmgate.adaptation.patterns import nesting, objection
from glmgate.adaptation.profile import SchemaLimits
from glmgate.adaptation.trees import Json, nodes
from glmgate.errors import InvalidRequest

_AT_LEAST: Final = ("minLength", "minItems", "minProperties")
_AT_MOST: Final = ("maxLength", "maxItems", "maxProperties")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
# Below these the keys are names that the caller made up, not words of the schema language.
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SUBSCHEMA: Final = (
    *("additionalProperties", "additionalItems", "items", "contains", "not", "if", "then", "else", "propertyNames"),
    *("unevaluatedProperties", "unevaluatedItems"),
)
_SUBSCHEMAS: Final = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
_OWN_ROOT: Final = "glmgate_root"


@dataclass(slots=True)
class SchemaCheck:
    """Checks the schemas of one request: some of the limits hold for all of them together."""

    limits: SchemaLimits
    values: int = 0
    choices: int = 0
    nested: int = 0

    def check(self, schema: dict[str, Any], path: str) -> None:
        """Raise InvalidRequest, with the place as `param`, when `schema` is not accepted."""
        self._bound_size(schema, path)
        waiting: list[tuple[Json, str]] = [(schema, path)]
        while waiting:
            node, place = waiting.pop()
            if isinstance(node, dict):
                _check_references(node, place, schema)
                self._check_counts(node, place)
                self._check_patterns(node, place)
                waiting.extend(_below(node, place))

    def _bound_size(self, schema: dict[str, Any], path: str) -> None:
        limits = self.limits
        for count, (_, depth) in enumerate(nodes(schema), start=1):
            if depth > limits.depth * 2:  # a level of the data is two of the schema: `properties`, and the property
                raise _refusal(path, f"is nested deeper than {limits.depth} levels")
            if count + self.values > limits.values:
                raise _refusal(path, f"makes more than {limits.values} values, with the schemas before it")
        self.values += count
        size = len(msgspec.json.encode(schema))
        if size > limits.bytes:
            raise _refusal(path, f"has {size} bytes, at most {limits.bytes}")

    def _check_counts(self, node: dict[str, Any], place: str) -> None:
        for words, most in ((_AT_LEAST, self.limits.least), (_AT_MOST, self.limits.most)):
            for word in words:
                count = node.get(word)
                if isinstance(count, int | float) and not 0 <= count <= most:
                    raise _refusal(f"{place}.{word}", f"is {count}, but must be between 0 and {most}")
        if len(_named(node, "properties")) > self.limits.properties:
            raise _refusal(f"{place}.properties", f"has more than {self.limits.properties} properties")
        if isinstance(choices := node.get("enum"), list):
            self.choices += len(choices)
            if self.choices > self.limits.choices:
                raise _refusal(f"{place}.enum", f"makes more than {self.limits.choices} values of enums in all")

    def _check_patterns(self, node: dict[str, Any], place: str) -> None:
        for word, pattern in _patterns(node):
            if why := objection(pattern, longest=self.limits.pattern, repeat=self.limits.repeat):
                raise _refusal(f"{place}.{word}", f"is not accepted: {why}")
            self.nested += nesting(pattern)
            if self.nested > self.limits.repeat * 2:
                raise _refusal(f"{place}.{word}", "is not accepted: with the patterns before it, it is too large")


def without_root_references(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with references to its root (`#`), which the engine does not know, to a copy under `$defs` instead."""
    if not any(isinstance(node, dict) and node.get("$ref") == "#" for node, _ in nodes(schema)):
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


def _check_references(node: dict[str, Any], place: str, root: dict[str, Any]) -> None:
    for word in _REFERENCES:
        if word in node:
            _check_reference(node[word], f"{place}.{word}", root)


def _check_reference(reference: object, place: str, root: dict[str, Any]) -> None:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise _refusal(place, "must point into the schema itself ('#/…'); others are never fetched")
    node: Json = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            raise _refusal(place, "points to nothing in the schema")


def _patterns(node: dict[str, Any]) -> list[tuple[str, str]]:
    patterns = [("patternProperties", name) for name in _named(node, "patternProperties")]
    if isinstance(pattern := node.get("pattern"), str):
        patterns.append(("pattern", pattern))
    return patterns


def _below(node: dict[str, Any], place: str) -> list[tuple[Json, str]]:
    below: list[tuple[Json, str]] = []
    for word in _NAMED:
        below += [(child, _join(f"{place}.{word}", name)) for name, child in _named(node, word).items()]
    for word in _SUBSCHEMA:
        if isinstance(child := node.get(word), dict):
            below.append((child, f"{place}.{word}"))
    for word in _SUBSCHEMAS:
        if isinstance(children := node.get(word), list):
            below += [(child, f"{place}.{word}[{index}]") for index, child in enumerate(children)]
    return below


def _named(node: dict[str, Any], word: str) -> dict[str, Any]:
    named = node.get(word)
    return named if isinstance(named, dict) else {}


def _join(place: str, name: str) -> str:
    """Names are the caller's: short plain ones stand in the path, others don't."""
    return f"{place}.{name}" if name.isidentifier() and len(name) <= 64 else place


def _refusal(place: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{place!r} {why}.", param=place)
