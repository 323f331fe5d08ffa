"""Rule: who the caller's user is. Three names mean the same, and the service has one of them (contract row N10)."""

from __future__ import annotations

import hashlib
from typing import Any, Final, TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Note

G = TypeVar("G", ChatRequest, CompletionRequest, EmbeddingsRequest)

_NAMES: Final = ("user_id", "safety_identifier", "user")  # the first that is given counts
_DIGITS: Final = 32


def user(request: G, profile: Profile) -> Change[G]:
    """The user under the service's own name; a name that is too short or too long there is sent as its digest."""
    given = _given(request)
    if not given:
        return Change(request)
    member = profile.user.member
    if member == "omit":
        return _left_out(request)
    source = member if member in given else next(iter(given))
    value = given[source]
    notes = [Note(name, "omitted") for name in given if name not in (source, member)]
    if source != member:
        notes.append(Note(source, member))
    if not profile.user.least <= len(value) <= profile.user.most:
        value = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        notes.append(Note(member, "hashed"))
    if not notes:
        return Change(request)
    return Change(_with_user(request, member, value), notes=tuple(notes))


def _left_out(request: G) -> Change[G]:
    """Without the members that we know; whether another one is kept out is `unknown`'s matter."""
    known = [name for name in _NAMES if getattr(request, name, None) is not None]
    fitted = msgspec.structs.replace(request, **dict.fromkeys(known)) if known else request
    return Change(fitted, notes=tuple(Note(name, "omitted") for name in known))


def _given(request: ChatRequest | CompletionRequest | EmbeddingsRequest) -> dict[str, str]:
    found = {name: request.unknown.get(name) or getattr(request, name, None) for name in _NAMES}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _with_user(request: G, member: str, value: str) -> G:
    """`request` with `value` in `member` and in none of the other names; some are no members of some requests."""
    changes: dict[str, Any] = {name: None for name in _NAMES if getattr(request, name, None) is not None}
    unknown = {name: item for name, item in request.unknown.items() if name not in _NAMES}
    if member in request.__struct_fields__:
        changes[member] = value
    else:
        unknown[member] = value
    return msgspec.structs.replace(request, **changes, unknown=unknown)
