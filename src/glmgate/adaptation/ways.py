"""In how many ways a schema can go on at one place: choices multiply through references, in a schema of any size.

Nothing is refused here; `schemas` has the bound.
"""

from __future__ import annotations

from typing import Any, Final

from glmgate.adaptation.trees import Json

_CHOICES: Final = frozenset({"anyOf", "oneOf", "allOf"})
# What stands in these is data, or is read where a reference points to it.
_APART: Final = frozenset({"$defs", "definitions", "enum", "const", "default", "examples"})
_NAMED: Final = frozenset({"properties", "patternProperties"})
# Two frames of the stack each.
_LEVELS: Final = 150


def ways(schema: dict[str, Any], most: int) -> int:
    """The most ways that are open at one time while a value of `schema` is read; a number above `most` is only that.

    The engine follows all of them at once: twenty definitions that each offer the next one twice make a million, and it
    answers nobody for as long as that takes. A recursion counts once.
    """
    return _Counter(schema, most).ways(schema, 0)


def target(reference: str, root: Json) -> tuple[Json] | None:
    """What a reference into `root` (`#`, `#/…`) points to, in a tuple; None when that is nothing."""
    node: Json = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return (node,)


class _Counter:
    def __init__(self, root: Json, most: int) -> None:
        self._root = root
        self._most = most
        self._known: dict[int, int] = {}
        self._open: set[int] = set()

    def ways(self, node: Json, level: int) -> int:
        """The ways of one schema. Of each dictionary once, so that the time is linear."""
        if not isinstance(node, dict) or id(node) in self._open:
            return 1
        if level > _LEVELS:
            return self._most + 1
        if id(node) not in self._known:
            self._open.add(id(node))
            self._known[id(node)] = self._counted(node, level + 1)
            self._open.discard(id(node))
        return self._known[id(node)]

    def _counted(self, node: dict[str, Any], level: int) -> int:
        at_once, later = self._named(node, level), 1
        for word, item in node.items():
            if word in _CHOICES and isinstance(item, list):
                at_once += sum([self.ways(child, level) for child in item])
            elif word not in _APART:
                later = max([later, *(self.ways(child, level) for child in _below(word, item))])
        return min(max(at_once, later), self._most + 1)

    def _named(self, node: dict[str, Any], level: int) -> int:
        """The ways of what a schema refers to, and of its enumerations."""
        reference, values, kinds = node.get("$ref"), node.get("enum"), node.get("type")
        found = target(reference, self._root) if isinstance(reference, str) and reference.startswith("#") else None
        referred = self.ways(found[0], level) if found else 0
        return referred + sum(len(each) for each in (values, kinds) if isinstance(each, list))


def _below(word: str, item: Json) -> list[Json]:
    """What is read one after the other in a member of a schema."""
    if isinstance(item, dict):
        return list(item.values()) if word in _NAMED else [item]
    return item if isinstance(item, list) else []
