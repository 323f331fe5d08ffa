"""The text of profiles: tables merged over tables, and what is wrong with a bad one, in words.

What a profile may say is not here but in `profile`.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Final, get_args

import msgspec

_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")
_PLACE: Final = re.compile(r" - at `(?P<path>[^`]*)`$")
_STEP: Final = re.compile(r"[A-Za-z_]\w*|\[\.\.\.\]|\[\d+\]")


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with what `over` says: tables member by member, at every level; everything else is replaced."""
    result = dict(base)
    for name, value in over.items():
        before = result.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def explained(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> str:
    """What is wrong with the text of a `kind`, with its place and, of a misspelt member, the nearest known one."""
    text = str(error)
    place = _PLACE.search(text)
    path = place["path"].removeprefix("$").removeprefix(".") if place else ""
    unknown = _UNKNOWN.search(text)
    if unknown is None:
        return _PLACE.sub("", text).replace("`", "'") + (f" at {path!r}" if path else "")
    name = unknown["name"]
    whole = f"{path}.{name}" if path else name
    owner = _struct_at(kind, path)
    near = difflib.get_close_matches(name, _members(owner), n=1, cutoff=0.5) if owner is not None else []
    known = f"; did you mean {near[0]!r}?" if near else ""
    return f"{whole!r} is not known{known}"


def _members(kind: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _struct_at(kind: type[msgspec.Struct], path: str) -> type[msgspec.Struct] | None:
    """The type of the table at `path`, followed through tables and what they hold."""
    found: Any = kind
    for step in _STEP.findall(path):
        if step.startswith("["):
            continue
        owner = _struct_in(found)
        if owner is None:
            return None
        found = {field.encode_name: field.type for field in msgspec.structs.fields(owner)}.get(step)
    return _struct_in(found)


def _struct_in(kind: object) -> type[msgspec.Struct] | None:
    """The struct that a type is, or holds."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for argument in get_args(kind):
        if (found := _struct_in(argument)) is not None:
            return found
    return None
