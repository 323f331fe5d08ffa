"""The doctor's words, read from `words.toml`. Which of them are said is decided in `telling` and `advice`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of the file."""

    troubles: dict[str, str]
    codes: dict[str, str]
    faults: dict[str, str]
    ways: dict[str, str]
    elsewhere: dict[str, str]
    nowhere: dict[str, str]
    beside: dict[str, str]
    shapes: dict[str, str]


@cache
def words() -> Words:
    """The package's words."""
    text = (resources.files(__package__) / "words.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Words)
