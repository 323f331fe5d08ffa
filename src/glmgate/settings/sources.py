"""Where settings are given: the file, the environment, flags. Each as values by section and name.

What the values have to be is not decided here.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_origin

from glmgate.errors import SettingsError
from glmgate.settings.declared import PREFIX, declared, known, nearest
from glmgate.settings.values import Given

ARRAYS: Final[tuple[str, ...]] = ("upstreams", "models", "prices", "filters")
"""What stands in the file as `[[name]]`, any number of times."""

Places = dict[tuple[str, str], Given]

# Variables that belong to no section.
_APART: Final = frozenset({"GLMGATE_HOME", "GLMGATE_CONFIG"})
# How alike a strange variable has to be to a known one to be taken for a slip of the pen.
_ALIKE: Final = 0.85


@dataclass(frozen=True, slots=True)
class FileContents:
    """What the settings file says: single values by place, and the tables of each array in their order."""

    file: Path | None = None
    values: Places = field(default_factory=dict)
    arrays: Mapping[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)


def from_file(file: Path | None) -> FileContents:
    """What stands in the file; nothing where there is none. Raises SettingsError."""
    if file is None:
        return FileContents()
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"The settings file {str(file)!r} cannot be read: {exc}.") from exc
    arrays = {name: _array(name, document.pop(name), file) for name in ARRAYS if name in document}
    given = {}
    for section, table in document.items():
        _check_section(section, table, file)
        for name, value in table.items():
            known(section, name, where=f"{file}: [{section}] {name}")
            given[section, name] = Given(value, f"{file}: [{section}] {name}", file.parent)
    return FileContents(file, given, arrays)


def _array(name: str, tables: object, file: Path) -> tuple[dict[str, Any], ...]:
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return tuple(tables)
    more = ""
    if isinstance(tables, dict):
        elsewhere = [str(each) for each in declared() if each.name in tables]
        more = f" Do you mean {elsewhere[0]}?" if elsewhere else ""
    raise SettingsError(f"{file}: {name} is a list of tables: write [[{name}]] for each, its settings below.{more}")


def _check_section(section: str, table: object, file: Path) -> None:
    sections = sorted({each.section for each in declared()})
    if section not in sections:
        raise SettingsError(f"{file}: there is no section [{section}]{nearest(section, [*sections, *ARRAYS])}")
    if not isinstance(table, dict):
        raise SettingsError(f"{file}: {section} is a section: write [{section}] and its settings below.")


def from_environment(environment: Mapping[str, str]) -> Places:
    """What variables of ours say. An empty one counts as unset: compose files and unit files leave them so."""
    return {
        (each.section, each.name): Given(
            _split(environment[each.variable], each.type), each.variable, Path.cwd(), lax=True
        )
        for each in declared()
        if environment.get(each.variable)
    }


def _split(text: str, kind: object) -> object:
    """Text as the list or table that the setting wants: `a,b` and `a=x,b=y`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is tuple:
        return parts
    if get_origin(kind) is Mapping:
        return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    return text.strip()


def from_flags(flags: Mapping[tuple[str, str], object]) -> Places:
    """What flags say; None is a flag that was not given."""
    return {
        (section, name): Given(value, f"[{section}] {name}, given by a flag,", Path.cwd())
        for (section, name), value in flags.items()
        if value is not None
    }


def check_variables(environment: Mapping[str, str], referred: AbstractSet[str]) -> None:
    """Refuse variables that look like settings and are none; `referred` are those that secrets are read from."""
    names = {each.variable for each in declared()} | _APART
    sections = {f"{PREFIX}{section}_".upper() for section in (*ARRAYS, *(each.section for each in declared()))}
    for name in sorted({name for name in environment if name.startswith(PREFIX)} - names - referred):
        if name.startswith(tuple(sections)) or difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE):
            raise SettingsError(f"{name} is not a setting{nearest(name, sorted(names))}")
