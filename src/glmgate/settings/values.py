"""From what somebody gave to the value that a setting wants, and how a wrong one is told.

Where it was given does not matter here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec

from glmgate.errors import SettingsError

_WORDS: Final[Mapping[object, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    date: "a date",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave: where it stood, and the folder that relative paths in it start from."""

    value: object
    where: str
    base: Path
    lax: bool = False


def converted(given: Given, kind: Any) -> Any:  # noqa: ANN401 -- a `kind`
    """The value as a `kind`. Raises SettingsError that shows it and says what it must be."""

    def path(wanted: type, text: object) -> object:
        if wanted is not Path or not isinstance(text, str):
            raise NotImplementedError
        return given.base / Path(text).expanduser()

    try:
        value = msgspec.convert(given.value, kind, strict=not given.lax, dec_hook=path)
    except (msgspec.ValidationError, NotImplementedError) as exc:
        raise SettingsError(f"{given.where} is {given.value!r}, it must be {wanted_of(kind)}.") from exc
    if isinstance(value, int | float) and not value >= 0:  # NaN is not either
        raise SettingsError(f"{given.where} is {given.value!r}, it must not be negative.")
    if value == math.inf:
        raise SettingsError(f"{given.where} is {given.value!r}, it must be finite: use a large number.")
    return value


def wanted_of(kind: object) -> str:
    """What a value of that type is, in words."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        words = [repr(word) for word in parts]
        return words[0] if len(words) == 1 else "one of " + ", ".join(words)
    if origin is tuple:
        return "a list of texts"
    if origin is Mapping:
        return "a table of names and paths"
    if origin in {Union, UnionType}:
        return " or ".join(wanted_of(part) for part in parts if part is not type(None))
    return _WORDS.get(kind, "a table")
