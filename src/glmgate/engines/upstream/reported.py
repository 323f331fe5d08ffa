"""What an upstream says about a failure, in whichever shape: read here, judged in `failures`.

Bodies of error answers, documents within a stream, and bodies with status 200 that are no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

# What counts as a failure without a member `error`: the codes of success that some services put into each body.
_FINE: Final = frozenset({"", "0", "200", "success", "ok", "none"})
_TITLE: Final = re.compile(rb"<title[^>]*>(.{1,200}?)</title>", re.IGNORECASE | re.DOTALL)


class Reported(msgspec.Struct, frozen=True):
    """`codes` are what may be one, the most telling first: its number or word, its type. `param` is a field's name."""

    message: str = ""
    codes: tuple[str, ...] = ()
    param: str | None = None
    is_page: bool = False


def of_document(document: Mapping[str, Any]) -> Reported | None:
    """What a JSON object says about a failure; None when it tells of none.

    The shapes that were seen: `{"error": {code, message, type, param}}`, `{"error": "text"}`, `{code, message}`,
    `{code, msg}`, `{"object": "error", …}`, `{"detail": "text" or a list}`, `{"errors": [{…}]}`.
    """
    error = document.get("error") or document.get("errors")
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict):
        return _of_members(error, outer=document)
    if said := error or document.get("detail"):
        return Reported(_text(said), _codes(document))
    return _of_members(document, outer={}) if _is_error(document) else None


def _is_error(document: Mapping[str, Any]) -> bool:
    """Whether a document without a member for it is an error all the same."""
    if "error" in (document.get("object"), document.get("type")):
        return True
    code = document.get("code")
    says = document.get("message") or document.get("msg")
    return bool(says) and code is not None and str(code).casefold() not in _FINE


def of_body(body: bytes) -> Reported:
    """What the body of an error answer says, JSON or not."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _of_text(body)
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return Reported(_text(document))
    return of_document(document) or Reported(_text(document.get("message") or document.get("msg")), _codes(document))


def _of_members(error: Mapping[str, Any], *, outer: Mapping[str, Any]) -> Reported:
    message = error.get("message") or error.get("msg") or error.get("detail") or outer.get("message")
    param = error.get("param")
    return Reported(_text(message), (*_codes(error), *_codes(outer)), param if isinstance(param, str) else None)


def _codes(members: Mapping[str, Any]) -> tuple[str, ...]:
    found = (members.get(name) for name in ("code", "type", "status"))
    return tuple(str(code) for code in found if isinstance(code, str | int) and not isinstance(code, bool) and code)


def _of_text(body: bytes) -> Reported:
    """Of something that is no JSON: a page by its title, a text as it is."""
    start = body.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        title = _TITLE.search(body)
        return Reported(" ".join(title[1].decode(errors="replace").split()) if title else "", is_page=True)
    return Reported(body[:2000].decode(errors="replace").strip())


def _text(value: object) -> str:
    """A message as text; some are lists of what was wrong with each field."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return ""
