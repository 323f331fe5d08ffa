"""What a tool gives: a value for the program that is text for the model."""

from __future__ import annotations

import json
from typing import Any


class BaseToolOutput:
    """A value whose `str` is what the model reads: JSON where `format` is "json", else the value's own text.

    Agents hand it on as it is, so it stands in the intermediate steps with its data. `data_alias` is another name for
    `data`; what else is given is kept in `extras`.
    """

    def __init__(
        self,
        data: Any,
        format: str = "",  # noqa: A002 - the name that the original has
        data_alias: str = "",
        **extras: Any,
    ) -> None:
        self.data = data
        self.format = format
        self.extras = extras
        if hasattr(self, data_alias):
            raise ValueError(f"data_alias {data_alias!r} is the name of something else here; choose another one")
        self._alias = data_alias

    def __getattr__(self, name: str) -> Any:
        if name and name == self.__dict__.get("_alias"):
            return self.data
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __str__(self) -> str:
        if self.format == "json":
            return json.dumps(self.data, ensure_ascii=False, indent=2)
        return str(self.data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"
