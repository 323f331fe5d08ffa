"""The names of models that applications know, from the package's data. Who answers for them decides the catalogue."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import Literal

import msgspec

from glmgate.routing.sized import Dimensions

NameKind = Literal["chat", "embedding", "rerank", "image", "audio", "video", "moderation"]


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of one kind: listed ones, and patterns for dated and customised ones."""

    kind: NameKind
    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    dimensions: Dimensions | None = None
    openai: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[Names, ...]


def known(name: str, *, openai: bool) -> Names | None:
    """What `name` (case ignored) stands for; with `openai` false, names of that catalogue are unknown."""
    by_name, patterns = _index()
    entry = by_name.get(name.casefold()) or next(
        (names for pattern, names in patterns if pattern.fullmatch(name)), None
    )
    return entry if entry is not None and (openai or not entry.openai) else None


@functools.cache
def listed() -> tuple[tuple[str, NameKind], ...]:
    """The names that are listed one by one, OpenAI's left out, each with its kind."""
    return tuple((name, entry.kind) for entry in _entries() if not entry.openai for name in entry.names)


@functools.cache
def _index() -> tuple[dict[str, Names], tuple[tuple[re.Pattern[str], Names], ...]]:
    entries = _entries()
    by_name = {name.casefold(): entry for entry in reversed(entries) for name in entry.names}
    patterns = ((re.compile(pattern, re.IGNORECASE), entry) for entry in entries for pattern in entry.patterns)
    return by_name, tuple(patterns)


@functools.cache
def _entries() -> tuple[Names, ...]:
    text = (resources.files(__package__) / "names.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _File).names
