"""Which JSON schemas of strangers are accepted: bounded in size and depth, references only inside, linear patterns.

What a schema means is the engine's matter; nothing here validates a value against one.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from glmgate.adaptation.patterns import objection
from glmgate.adaptation.profile import SchemaLimits
from glmgate.adaptation.trees import nodes
from glmgate.errors import InvalidRequest

_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
# Below these the keys are names that the caller made up, not words of the schema language.
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SUBSCHEMA: Final = ("additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames",
                     "unevaluatedProperties", "unevaluatedItems", "additionalItems")  # fmt: skip
_SUBSCHEMAS: Final = ("anyOf", "oneOf", "allOf", "prefixItems", "items")


def check(schema: dict[str, Any], path: str, limits: SchemaLimits) -> None:
    """Raise InvalidRequest, with the place as `param`, when `schema` is not accepted."""
    _bound_size(schema, path, limits)
    waiting: list[tuple[Any, str]] = [(schema, path)]
    while waiting:
        node, place = waiting.pop()
        if isinstance(node, dict):
            _check_node(node, place, schema, limits)
            waiting.extend(_below(node, place))


def _bound_size(schema: dict[str, Any], path: str, limits: SchemaLimits) -> None:
    for count, (_, depth) in enumerate(nodes(schema), start=1):
        if depth > limits.depth * 2:  # a level of the data is two of the schema: `properties`, and the property
            raise InvalidRequest(f"{path!r} is nested deeper than {limits.depth} levels.", param=path)
        if count > limits.nodes:
            raise InvalidRequest(f"{path!r} has more than {limits.nodes} values.", param=path)
    size = len(msgspec.json.encode(schema))
    if size > limits.bytes:
        raise InvalidRequest(f"{path!r} has {size} bytes, at most {limits.bytes}.", param=path)


def _check_node(node: dict[str, Any], place: str, root: dict[str, Any], limits: SchemaLimits) -> None:
    for word in _REFERENCES:
        if word in node:
            _check_reference(node[word], f"{place}.{word}", root)
    for word in _COUNTS:
        count = node.get(word)
        if isinstance(count, int | float) and not 0 <= count <= limits.count:
            raise InvalidRequest(
                f"'{place}.{word}' is {count}, but must be between 0 and {limits.count}.", param=f"{place}.{word}"
            )
    for word, pattern in _patterns(node):
        if why := objection(pattern, longest=limits.pattern, repeat=limits.repeat):
            raise InvalidRequest(f"'{place}.{word}' is not accepted: {why}.", param=f"{place}.{word}")


def _patterns(node: dict[str, Any]) -> list[tuple[str, str]]:
    patterns = [("patternProperties", name) for name in _named(node, "patternProperties")]
    if isinstance(pattern := node.get("pattern"), str):
        patterns.append(("pattern", pattern))
    return patterns


def _check_reference(reference: object, place: str, root: dict[str, Any]) -> None:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise InvalidRequest(
            f"{place!r} must point into the schema itself ('#/…'); others are never fetched.", param=place
        )
    node: Any = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            raise InvalidRequest(f"{place!r} points to nothing in the schema.", param=place)


def _below(node: dict[str, Any], place: str) -> list[tuple[Any, str]]:
    below: list[tuple[Any, str]] = []
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
