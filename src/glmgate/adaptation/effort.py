"""How much work it is to hold a value to a schema of a stranger, known before it is done.

Validators follow references and alternatives anew at each value, so a small schema can cost any time: four alternatives
that each lead back to all four take 4^8 steps for a value of eight levels. Nothing is validated here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from glmgate.adaptation.trees import Json, nodes
from glmgate.adaptation.ways import target

MOST: Final = 1_000_000
"""Steps for one value; the validator takes some 10 million a second (measured)."""

_WIDEST: Final = 1_000  # schemas that hold for one and the same value
_STEPS: Final = 20_000  # of the look at one schema: 0.1 s (measured)
_HERE_ONE: Final = ("not", "if", "then", "else")
_HERE_LIST: Final = ("allOf", "anyOf", "oneOf")
_HERE_NAMED: Final = ("dependentSchemas", "dependencies")
_ELEMENTS: Final = ("items", "prefixItems", "contains", "additionalItems", "unevaluatedItems")
_ANY_NAME: Final = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_AGAIN: Final = ("unevaluatedProperties", "unevaluatedItems")  # these have their neighbours looked at once more


@dataclass(frozen=True, slots=True)
class Effort:
    """`here`: steps for one value by itself; `fan`: how often a value's members are looked at for each look at it.

    `whole`: the steps of the whole schema unfolded, None when it contains itself.
    """

    here: int
    fan: int
    whole: int | None

    def of(self, levels: Mapping[int, int]) -> int:
        """The most steps for a value with so many values at each of its levels."""
        return sum(self.here * self._looks(level - 1) * count for level, count in levels.items())

    def _looks(self, level: int) -> int:
        looks: int = self.fan**level
        return looks if self.whole is None else min(looks, self.whole)


def levels_of(value: Json) -> Counter[int]:
    """How many values `value` has at each level; it is itself the first."""
    return Counter(depth for _, depth in nodes(value))


def effort(schema: dict[str, Any]) -> Effort | None:
    """What `schema` costs; None when there is no bound, or none that is worth its search."""
    places = [node for node, _ in nodes(schema) if isinstance(node, dict)]
    here, fan, steps = 1, 1, 0
    for place in places:
        held = _held_at_once(place, schema)
        steps += len(held or ())
        if held is None or steps > _STEPS:
            return None
        again: int = 2 ** sum(not node.keys().isdisjoint(_AGAIN) for node in held)
        here = max(here, len(held) * again)
        fan = max(fan, _members(held) * again)
    if here > _WIDEST:
        return None
    return Effort(here, fan, _unfolded(schema, places))


def _held_at_once(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]] | None:
    """All schemas that one value is held to, each as often as it is; None when they are too many, or without end."""
    waiting = [schema]
    held: list[dict[str, Any]] = []
    while waiting:
        node = waiting.pop()
        held.append(node)
        if len(held) > _WIDEST:
            return None
        children: list[Json] = [node.get(word) for word in _HERE_ONE]
        children += [child for word in _HERE_LIST for child in _items(node.get(word))]
        children += [child for word in _HERE_NAMED for child in _values(node.get(word))]
        children += _referred(node, root)
        waiting.extend(child for child in children if isinstance(child, dict))
    return held


def _members(held: list[dict[str, Any]]) -> int:
    """The most schemas that one member of a value is held to."""
    names: dict[str, int] = {}
    others = elements = 0
    for node in held:
        for name in _names(node.get("properties")):
            names[name] = names.get(name, 0) + 1
        others += len(_values(node.get("patternProperties")))
        others += sum(isinstance(node.get(word), dict) for word in _ANY_NAME)
        elements += sum(isinstance(node.get(word), dict | list) for word in _ELEMENTS)
    return max(max(names.values(), default=0) + others, elements)


def _unfolded(schema: dict[str, Any], places: list[dict[str, Any]]) -> int | None:
    """The number of schemas when every reference is written out; None when that never ends."""
    below = {id(place): [id(child) for child in _below(place, schema)] for place in places}
    try:
        order = list(TopologicalSorter(below).static_order())
    except CycleError:
        return None
    sizes: dict[int, int] = {}
    for place in order:
        sizes[place] = 1 + sum(sizes[child] for child in below[place])
    return sizes[id(schema)]


def _below(node: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """The dictionaries directly in `node`, also those in its lists, and what it refers to."""
    waiting: list[Json] = [item for word, item in node.items() if word not in ("$defs", "definitions")]
    waiting += _referred(node, root)
    found = []
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            found.append(item)
        elif isinstance(item, list):
            waiting.extend(item)
    return found


def _referred(node: dict[str, Any], root: dict[str, Any]) -> list[Json]:
    reference = node.get("$ref")
    return list(target(reference, root) or ()) if isinstance(reference, str) else []


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _values(value: Json) -> list[Json]:
    return list(value.values()) if isinstance(value, dict) else []


def _names(value: Json) -> list[str]:
    return list(value) if isinstance(value, dict) else []
