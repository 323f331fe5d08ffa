"""Typed JSON objects that keep the members they do not know, at every level, and treat null as absent.

No meaning of any field lives here; only how objects are read and written.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

import msgspec

from glmgate.errors import BodyUnreadable, InvalidRequest, MissingParameter

T = TypeVar("T", bound="Members")

_UNKNOWN = " unknown"  # a JSON name that no client can want: it starts with a blank
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")
_INDEX_ROOT = "$"
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"')
# The decoder calls these "truncated".
_HALF_OF_A_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)

MAX_VALUES = 200_000
"""Values in one body. 20 MiB of small lists kept the event loop for 7 s (measured on a busy core); a real request of a
hundred turns with tools has a few thousand, and one of embeddings 2,048."""

MAX_DEPTH = 128
"""Objects and arrays inside each other. Real requests nest a dozen; what is deeper could not be written out again, and
the interpreter's own limit differs from one Python to the next (3.13 reads 5,000, 3.11 does not)."""


class Members(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """A JSON object: typed members that we know, and `unknown` ones kept as they came.

    Null is read as absent (contract 0.6: two official SDKs send nulls on every call).
    """

    unknown: dict[str, Any] = msgspec.field(default_factory=dict, name=_UNKNOWN)


def read(body: bytes, into: type[T]) -> T:
    """`body` as `into`, with unknown members kept at every level.

    Raises BodyUnreadable when it is no JSON object, InvalidRequest (with `param`) when a member has the wrong type,
    MissingParameter when one is absent.
    """
    _check_size(body)
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        why = "it has half of a surrogate pair, which is no character" if _HALF_OF_A_PAIR.search(body) else str(exc)
        raise BodyUnreadable(f"The body is not valid JSON: {why}. Send one JSON object, encoded as UTF-8.") from exc
    if not isinstance(document, dict):
        raise BodyUnreadable(f"The body must be a JSON object, not {_kind(document)}.")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_depth(document)
    return convert(document, into)


def convert(document: dict[str, Any], into: type[T]) -> T:
    """`document` (decoded JSON) as `into`; errors as `read`."""
    try:
        value = msgspec.convert(document, into)
    except msgspec.ValidationError as exc:
        raise refusal(str(exc)) from exc
    except RecursionError as exc:
        raise BodyUnreadable("The body is nested too deeply.") from exc
    _keep(value, document)
    return value


def write(value: Members) -> bytes:
    """`value` as JSON: known members that are set, then the unknown ones."""
    return msgspec.json.encode(plain(value))


def plain(value: Members) -> dict[str, Any]:
    """`value` as dictionaries and lists, with unknown members back in their places and absent ones left out."""
    known = {
        name: _plain(member)
        for name, attribute in _names(type(value)).items()
        if (member := getattr(value, attribute)) is not None
    }
    return known | value.unknown


def _plain(value: object) -> object:
    if isinstance(value, Members):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _check_size(body: bytes) -> None:
    """Raises BodyUnreadable when `body` holds too many values to be worked on while others wait.

    Each value but the first of its kind has a comma before it or a bracket around it. They are counted in the whole
    body first, which is quick; only where that gives too many, text is taken out, which may be full of commas.
    """
    if _marks(body) > MAX_VALUES and _marks(_TEXT.sub(b"", body)) > MAX_VALUES:
        raise BodyUnreadable(f"The body holds more than {MAX_VALUES} values. Send less in one request.")


def _marks(body: bytes) -> int:
    return body.count(b",") + body.count(b"{") + body.count(b"[")


def _check_depth(document: dict[str, Any]) -> None:
    """Raises BodyUnreadable when `document` is nested deeper than MAX_DEPTH; level by level, so without recursion."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        items = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise BodyUnreadable(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _keep(value: Members, source: dict[str, Any]) -> None:
    """Walk the typed value beside the document that it was read from, and hang unknown members where they stood."""
    names = _names(type(value))
    value.unknown = {key: item for key, item in source.items() if key not in names}
    for json_name, name in names.items():
        member = getattr(value, name)
        # Most members are absent or plain; looking before the call saves a fifth of a small request's time.
        if isinstance(member, Members):
            _keep(member, source[json_name])
        elif isinstance(member, list):
            for item, item_source in zip(member, source[json_name], strict=True):
                if isinstance(item, Members):
                    _keep(item, item_source)


_NAMES: dict[type[Members], dict[str, str]] = {}


def _names(kind: type[Members]) -> dict[str, str]:
    """JSON name → attribute of every known member; kept, because msgspec builds the list anew at each call."""
    if kind not in _NAMES:
        _NAMES[kind] = {f.encode_name: f.name for f in msgspec.structs.fields(kind) if f.encode_name != _UNKNOWN}
    return _NAMES[kind]


def refusal(text: str) -> InvalidRequest:
    """msgspec's message as ours: the path becomes `param`."""
    match = cast("re.Match[str]", _PATH.match(text))
    what = match["what"]
    path = (match["path"] or _INDEX_ROOT).removeprefix("$").removeprefix(".")
    if missing := _MISSING.search(what):
        param = f"{path}.{missing['name']}" if path else missing["name"]
        return MissingParameter(f"{param!r} is missing. Add it.", param=param)
    what = what.replace("`", "").replace(" | null", "")
    where = f" at {path!r}" if path else ""
    return InvalidRequest(f"{what}{where}.", param=path or None, code="invalid_type")


def _kind(value: object) -> str:
    return {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
