"""Types of columns that need more than SQLAlchemy's own.

No table is known here.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

# PostgreSQL's text holds every character but NUL (its manual, 8.3). SUBSTITUTE stands before what replaces it.
_ESCAPE: Final = "\x1a"
_NUL: Final = "\x00"


class Verbatim(TypeDecorator[str]):
    """Text that comes back as it went, NUL included, on every database."""

    impl: Any = Text
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "postgresql":
            return value
        return value.replace(_ESCAPE, _ESCAPE + "E").replace(_NUL, _ESCAPE + "N")

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "postgresql":
            return value
        return value.replace(_ESCAPE + "N", _NUL).replace(_ESCAPE + "E", _ESCAPE)
