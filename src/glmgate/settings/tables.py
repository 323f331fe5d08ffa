"""Tables of the settings file (`[[upstreams]]`, `[[models]]`) as values of a class, whatever the class is.

Unknown members are refused at every level; what the values mean together is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from glmgate.errors import SettingsError
from glmgate.settings.declared import Setting, members, nearest, setting
from glmgate.settings.values import Given, converted

_T = TypeVar("_T")


def table(kind: type[_T], given: object, *, where: str, base: Path) -> _T:
    """The table as a `kind`; `where` names its place in messages. Raises SettingsError with the nearest known name."""
    if not isinstance(given, dict):
        raise SettingsError(f"{where} is {given!r}, it must be a table.")
    settings = {each.name: each for each in declared_in(kind)}
    for name in given:
        if name not in settings:
            raise SettingsError(f"{where} {name} is not a setting{nearest(name, list(settings))}")
    for name, each in settings.items():
        if each.default is MISSING and name not in given:
            raise SettingsError(f"{where} has no {name}: {each.help}")
    return kind(
        **{name: _member(settings[name].type, Given(value, f"{where} {name}", base)) for name, value in given.items()}
    )


def declared_in(kind: type[Any]) -> Iterator[Setting]:
    """The settings of a table; the section is empty."""
    for each, hint in members(kind):
        yield setting("", each, hint)


def _member(kind: Any, given: Given) -> object:  # noqa: ANN401 -- a type
    inner = table_in(kind)
    if inner is None:
        return converted(given, kind)
    if get_origin(kind) is not tuple:
        return table(inner, given.value, where=given.where, base=given.base)
    if not isinstance(given.value, list):
        raise SettingsError(f"{given.where} is {given.value!r}, it must be a list of tables.")
    places = enumerate(given.value, start=1)
    return tuple(table(inner, value, where=f"{given.where} {place}:", base=given.base) for place, value in places)


def table_in(kind: Any) -> type[Any] | None:  # noqa: ANN401 -- a type
    """The class of the tables that a member holds (one, or a list of them); None where it holds values."""
    return next((part for part in (kind, *get_args(kind)) if isinstance(part, type) and is_dataclass(part)), None)
