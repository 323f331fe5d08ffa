"""The texts inside of values that nobody here knows better: members of vendors, pieces of tools.

Addresses, ids and the contents of files are no texts; a number is one, and becomes a string when it is masked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

_NO_TEXTS: Final = frozenset({"id", "url", "type", "role", "data", "file_data", "file_id", "image_url", "link", "icon"})

T = TypeVar("T")


def leaves(value: T, change: Callable[[str], str]) -> T:
    """`value` with each of its texts changed; the same object where none was."""
    after = _changed(value, change)
    return after if isinstance(after, type(value)) else value


def _changed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 -- a JSON value
    if isinstance(value, str):
        return value if value.startswith("data:") else change(value)
    if isinstance(value, dict):
        members = {name: _member(name, each, change) for name, each in value.items()}
        return members if members != value else value
    if isinstance(value, list):
        items = [_changed(each, change) for each in value]
        return items if items != value else value
    return _number(value, change) if type(value) in {int, float} else value


def _member(name: str, value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 -- a JSON value
    return value if name in _NO_TEXTS and isinstance(value, str) else _changed(value, change)


def _number(value: float, change: Callable[[str], str]) -> float | str:
    after = change(written := repr(value))
    return value if after == written else after
