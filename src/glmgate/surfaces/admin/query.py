"""The parameters behind a path's question mark, as a typed value.

Lists come as OpenAI's SDKs write them (`name[]=a&name[]=b`), as repeated names, and with commas; nested members as
`name[member]=value`. What is not known is refused: a filter that is left out in silence would answer something else.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeVar, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec

from glmgate.errors import InvalidRequest
from glmgate.wire.members import refusal

_NAME: Final = re.compile(r"(?P<name>\w+)(?:\[(?P<inner>\w*)\])?")
_MOST: Final = 1_000


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a path."""


class Listed(Query, frozen=True, kw_only=True):
    """The parameters of a list that is read page by page."""

    after: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


Q = TypeVar("Q", bound=Query)


def read_query(text: str, into: type[Q]) -> Q:
    """`text` as `into`. InvalidRequest, with the name as `param`, when one is unknown, doubled or mistyped."""
    try:
        return msgspec.convert(_values(text, into), into, strict=False)
    except msgspec.ValidationError as exc:
        raise refusal(str(exc)) from exc


def _values(text: str, into: type[Query]) -> dict[str, Any]:
    hints = get_type_hints(into)
    lists = {name for name, hint in hints.items() if get_origin(hint) is tuple}
    values: dict[str, Any] = {}
    for written, value in _pairs(text):
        name, inner = _split(written, tuple(hints))
        if name in lists:
            values[name] = [*values.get(name, []), *(part for part in value.split(",") if part)]
        elif inner:
            values[name] = {**values.get(name, {}), inner: value}
        elif name in values:
            raise InvalidRequest(f"{name!r} is given twice.", param=name)
        else:
            values[name] = value
    return values


def _split(written: str, known: tuple[str, ...]) -> tuple[str, str]:
    """A parameter's name, and what stands in brackets behind it."""
    match = _NAME.fullmatch(written)
    name = written if match is None else match["name"]
    if match is None or name not in known:
        raise InvalidRequest(
            f"There is no parameter {name!r} here; there are: {', '.join(known)}.",
            param=name,
            code="unknown_parameter",
        )
    return name, match["inner"] or ""


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST, errors="strict")
    except ValueError as exc:  # UnicodeDecodeError is one
        raise InvalidRequest(f"What stands behind the question mark cannot be read: {exc}.") from exc
