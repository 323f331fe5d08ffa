"""Whether a schema that contains itself can be read in one way only: else each level doubles what the engine follows.

Nothing is refused here, and no value is read; `schemas` has the refusal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import msgspec

from glmgate.adaptation.trees import Json
from glmgate.adaptation.ways import target

_Node = dict[str, Any]
_ONE: Final = ("items", "contains", "additionalProperties")
_LIST: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_ELEMENTS: Final = ("items", "prefixItems", "contains")
# Enough for a hundred kinds of node in one choice.
_STEPS: Final = 20_000
# What `additionalProperties` allows stands for a property of this name, which no caller can give.
_OTHER: Final = None


def ambiguous(schema: _Node) -> _Node | None:
    """A choice with two branches that come back to it and are not told apart before; None when there is none.

    The engine reads all branches that are still possible at once. Where two of them lead back to the same choice, every
    level has twice as many as the one before: a hundred brackets would be more than it can ever follow. Properties are
    read in the order of the schema, required ones first (engine behaviour, measured).
    """
    return _Search(schema).found()


class _Search:
    def __init__(self, root: _Node) -> None:
        self._root = root
        self._ring: dict[int, int] = {}
        self._nodes: list[_Node] = []
        self._left = _STEPS
        self._objects: dict[int, _Object] = {}

    def found(self) -> _Node | None:
        self._find_rings()
        members = Counter(self._ring.values())
        for node in self._nodes:
            try:
                if _is_choice(node) and members[self._ring[id(node)]] > 1 and self._doubles(node):
                    return node
            except _TooManyError:
                return node
        return None

    def _next(self, node: _Node) -> list[_Node]:
        """The schemas that a schema is made of; next to a reference, the engine reads nothing else."""
        reference = node.get("$ref")
        if isinstance(reference, str):
            found = target(reference, self._root) if reference.startswith("#") else None
            return _schemas(found)
        children = [node.get(word) for word in _ONE]
        for word in _LIST:
            children += _listed(node, word)
        return _schemas([*children, *_listed(node, "items"), *_properties(node).values()])

    def _find_rings(self) -> None:
        """Give all schemas that reach each other the same number (Kosaraju's two walks)."""
        back: dict[int, list[_Node]] = {id(self._root): []}
        stack = [(self._root, iter(self._next(self._root)))]
        while stack:
            node, children = stack[-1]
            child = next(children, None)
            if child is None:
                self._nodes.append(node)
                stack.pop()
                continue
            if id(child) not in back:
                back[id(child)] = []
                stack.append((child, iter(self._next(child))))
            back[id(child)].append(node)
        for start in reversed(self._nodes):
            waiting = [start] if id(start) not in self._ring else []
            while waiting:
                node = waiting.pop()
                if id(node) not in self._ring:
                    self._ring[id(node)] = id(start)
                    waiting += back[id(node)]

    def _doubles(self, choice: _Node) -> bool:
        ring = self._ring[id(choice)]
        branches = list(self._branches(choice, ring))
        if sum(_may_be(node, kind, "array") and self._comes_back(_elements(node), ring) for node, kind in branches) > 1:
            return True
        objects = [self._object(node, ring) for node, kind in branches if _may_be(node, kind, "object")]
        return any(self._pair(one, other) for one, other in combinations([each for each in objects if each.back], 2))

    def _pair(self, one: _Object, other: _Object) -> bool:
        self.step()
        return _confused(one, other)

    def _object(self, node: _Node, ring: int) -> _Object:
        if id(node) not in self._objects:
            self._objects[id(node)] = _Object(self, node, ring)
        return self._objects[id(node)]

    def _branches(self, choice: _Node, ring: int) -> Iterator[tuple[_Node, str | None]]:
        """What a choice is between, references and choices within it followed, each with its type where it has many."""
        waiting = [choice]
        while waiting:
            node = waiting.pop()
            self.step()
            if self._ring[id(node)] != ring:
                continue
            if isinstance(node.get("$ref"), str):
                waiting += self._next(node)
            elif offered := [*_listed(node, "anyOf"), *_listed(node, "oneOf")]:
                waiting += _schemas(offered)
            else:
                yield from ((node, kind) for kind in _listed(node, "type") or [None])

    def _comes_back(self, nodes: list[Json], ring: int) -> bool:
        return any(self._ring.get(id(node)) == ring for node in _schemas(nodes))

    def comes_back(self, node: Json, ring: int) -> bool:
        """Whether a schema leads back to the choice that is looked at."""
        return self._comes_back([node], ring)

    def parts(self, node: _Node) -> list[tuple[_Node, bool]]:
        """What `allOf` merges, and whether it makes all properties required: so the engine does with the first level.

        Next to properties, it merges nothing (both measured).
        """
        found: list[tuple[_Node, bool]] = []
        waiting = [(part, True) for part in reversed(_schemas(_listed(node, "allOf")))]
        while waiting:
            offered, all_required = waiting.pop()
            part = self.resolved(offered)
            self.step(len(found) + 1)
            if all(part is not each for each, _ in found):
                found.append((part, all_required))
                below = [*_listed(part, "allOf"), *_listed(part, "anyOf"), *_listed(part, "oneOf")]
                waiting += [(child, False) for child in reversed(_schemas(below))]
        return found

    def resolved(self, node: _Node) -> _Node:
        """What a schema refers to."""
        while isinstance(node.get("$ref"), str) and (referred := self._next(node)):
            self.step()
            node = referred[0]
        return node

    def step(self, count: int = 1) -> None:
        """Count what is done, of which there is not more than a bound."""
        self._left -= count
        if self._left < 0:
            raise _TooManyError


class _TooManyError(Exception):
    """The schema is too much to look at."""


class _Object:
    """An object that may be chosen: its properties in the order in which the engine reads them."""

    def __init__(self, search: _Search, node: _Node, ring: int) -> None:
        parts = [(node, False)] if _properties(node) else [(node, False), *search.parts(node)]
        search.step(sum(len(_properties(part)) for part, _ in parts))
        merged = _merged([part for part, _ in parts])
        required = _required(node, parts)
        self.required = [name for name in merged if name in required]
        self.open = any(part.get("additionalProperties", False) is not False for part, _ in parts)
        self.properties = {name: _looked_up(search, item) for name, item in merged.items()}
        self.back = {name for name, item in merged.items() if search.comes_back(item, ring)}


def _looked_up(search: _Search, item: Json) -> _Node:
    return search.resolved(item) if isinstance(item, dict) else {}


def _required(node: _Node, parts: list[tuple[_Node, bool]]) -> set[str]:
    """The required properties: those that the object lists, and all of the parts that the engine requires whole."""
    listed = {name for name in _listed(node, "required") if isinstance(name, str)} & _properties(node).keys()
    return listed | {name for part, all_required in parts if all_required for name in _properties(part)}


def _merged(parts: list[_Node]) -> dict[str | None, Json]:
    """The properties of all parts, in their order, and what any other property may be."""
    merged: dict[str | None, Json] = {}
    for part in parts:
        merged.update(_properties(part).items())
    for part in parts:
        if isinstance(part.get("additionalProperties"), dict):
            merged[_OTHER] = part["additionalProperties"]
    return merged


def _confused(one: _Object, other: _Object) -> bool:
    """Whether both can come back to the choice while the other is still possible."""
    for name, second in zip(one.required, other.required, strict=False):
        if name != second or _disjoint(one.properties[name], other.properties[name]):
            return False
        if name in one.back and name in other.back:
            return True
    if _told_by_the_rest(*sorted((one, other), key=lambda each: len(each.required))):
        return False
    return bool(one.back & other.back) or _other_meets(one, other) or _other_meets(other, one)


def _told_by_the_rest(shorter: _Object, longer: _Object) -> bool:
    """Whether what `longer` requires next cannot stand in `shorter`."""
    rest = longer.required[len(shorter.required) :]
    return bool(rest) and rest[0] not in shorter.properties and not shorter.open


def _other_meets(one: _Object, other: _Object) -> bool:
    """Whether a property without a name of its own in `one` comes back, and can be one of `other` that does."""
    return _OTHER in one.back and any(name not in one.properties for name in other.back)


def _disjoint(one: _Node, other: _Node) -> bool:
    """Whether no value is of both."""
    first, second = _values(one), _values(other)
    if first is not None and second is not None:
        return first.isdisjoint(second)
    kinds, others = _kinds(one, first), _kinds(other, second)
    return kinds is not None and others is not None and kinds.isdisjoint(others)


def _values(node: _Node) -> set[bytes] | None:
    values = [node["const"]] if "const" in node else node.get("enum")
    return {msgspec.json.encode(value) for value in values} if isinstance(values, list) else None


def _kinds(node: _Node, values: set[bytes] | None) -> set[str] | None:
    """With which types the values of a schema begin; None when with any."""
    if values is not None:
        return {_kind(value) for value in values}
    kinds = _listed(node, "type") or [node.get("type")]
    if not all(isinstance(kind, str) for kind in kinds) or "anyOf" in node or "oneOf" in node:
        return None
    return {"number" if kind == "integer" else kind for kind in kinds}


def _kind(value: bytes) -> str:
    named = {b'"': "string", b"{": "object", b"[": "array", b"t": "boolean", b"f": "boolean", b"n": "null"}
    return named.get(value[:1], "number")


def _is_choice(node: _Node) -> bool:
    return any(_listed(node, word) for word in ("anyOf", "oneOf", "type"))


def _may_be(node: _Node, kind: str | None, wanted: str) -> bool:
    return (kind or node.get("type") or wanted) == wanted


def _elements(node: _Node) -> list[Json]:
    return [child for word in _ELEMENTS for child in (_listed(node, word) or [node.get(word)])]


def _properties(node: _Node) -> _Node:
    properties = node.get("properties")
    return properties if isinstance(properties, dict) else {}


def _listed(node: _Node, word: str) -> list[Any]:
    item = node.get(word)
    return item if isinstance(item, list) else []


def _schemas(items: list[Json] | tuple[Json] | None) -> list[_Node]:
    return [item for item in items or () if isinstance(item, dict)]
