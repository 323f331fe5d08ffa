"""Access: which terms let a request through, and what they put into it where it says nothing.

Decisions over values; how often and for how much is in `limits` and `budgets`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

import msgspec

from glmgate.errors import ModelNotFound, PermissionRefused
from glmgate.wire.chat import ChatRequest, Thinking
from glmgate.wire.engine import Caller, Generation, Note
from glmgate.wire.terms import Scope

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SWITCHES: Final = frozenset({"enable_thinking", "thinking"})
"""What templates call their switch for thinking."""
_LONGEST_NAME: Final = 256


def check_kind(caller: Caller, *, admin: bool) -> None:
    """PermissionRefused where an administrator's key asks for a model, or another key for the administration."""
    if caller.admin and not admin:
        raise PermissionRefused(
            "This key is for the administration under /v1/organization and answers no other request: use a key of a "
            "project (`glmgate keys create`)."
        )
    if admin and not caller.admin:
        raise PermissionRefused(
            "This needs an administrator's key: `glmgate keys create --name NAME --admin` makes one."
        )


def check_address(scopes: Sequence[Scope], client: str | None) -> None:
    """PermissionRefused where a list of addresses does not have the client's."""
    for scope in scopes:
        if scope.terms.addresses and not _is_in(scope.terms.addresses, client):
            raise PermissionRefused(
                f"The {scope.level} {scope.id!r} may not be used from the address {client or 'that this came from'!r}: "
                "its list of addresses does not have it.",
                code="ip_not_authorized",
            )


def may_ask(scopes: Iterable[Scope], *names: str) -> Scope | None:
    """None where one of a model's `names` may be asked for; else the scope whose list has none of them."""
    for scope in scopes:
        models = scope.terms.models
        if models is not None and not any(_allows(models, name) for name in names):
            return scope
    return None


def check_model(scopes: Sequence[Scope], *names: str) -> None:
    """PermissionRefused, with OpenAI's code for it, where the model may not be asked for."""
    scope = may_ask(scopes, *names)
    if scope is not None:
        raise PermissionRefused(
            f"The {scope.level} {scope.id!r} does not have access to the model {names[0]!r}. It has access to: "
            f"{', '.join(scope.terms.models or ()) or 'none'}.",
            param="model",
            code="model_not_found",
        )


def check_shown(scopes: Sequence[Scope], *names: str) -> None:
    """ModelNotFound where a model may not be asked for: who may not use it is not told that it is there."""
    if may_ask(scopes, *names) is not None:
        raise ModelNotFound(f"There is no model {names[0]!r} for this key: GET /models lists those that are.")


def thinking(scopes: Sequence[Scope], request: Generation) -> Generation:
    """The request with the terms' default where it says nothing about thinking; the narrowest scope's holds."""
    if not isinstance(request, ChatRequest) or _says_thinking(request):
        return request
    chosen = next((scope.terms.thinking for scope in reversed(scopes) if scope.terms.thinking is not None), None)
    if chosen is None:
        return request
    kind = "enabled" if chosen == "on" else "disabled"
    before = request.thinking or Thinking()
    return msgspec.structs.replace(request, thinking=msgspec.structs.replace(before, type=kind))


def longest(scopes: Sequence[Scope]) -> int | None:
    """The most tokens that an answer may have by the terms."""
    return min((scope.terms.max_tokens for scope in scopes if scope.terms.max_tokens is not None), default=None)


def asked_tokens(request: Generation) -> int | None:
    """The most tokens that a request's answer may have by itself, whichever name it has for that."""
    newer = request.max_completion_tokens if isinstance(request, ChatRequest) else None
    if request.max_tokens is None or newer is None:
        return newer if request.max_tokens is None else request.max_tokens
    return min(request.max_tokens, newer)


def limited(request: Generation, most: int) -> tuple[Generation, tuple[Note, ...]]:
    """The request with an answer of at most `most` tokens, and what was changed for that.

    A limit that was asked for and is lowered is no exact change; one where none was asked for is.
    """
    asked = asked_tokens(request)
    if asked is not None and asked <= most:
        return request, ()
    note = Note("max_tokens", f"{'unset' if asked is None else asked}->{most}", exact=asked is None)
    if isinstance(request, ChatRequest) and request.max_completion_tokens is not None:
        older = None if request.max_tokens is None else most
        return msgspec.structs.replace(request, max_tokens=older, max_completion_tokens=most), (note,)
    return msgspec.structs.replace(request, max_tokens=most), (note,)


def _says_thinking(request: ChatRequest) -> bool:
    said = request.thinking is not None and request.thinking.type is not None
    return said or request.reasoning_effort is not None or not _SWITCHES.isdisjoint(request.chat_template_kwargs or {})


def _allows(models: tuple[str, ...], name: str) -> bool:
    folded = name.casefold()
    return len(name) <= _LONGEST_NAME and any(_pattern(model).fullmatch(folded) is not None for model in models)


@lru_cache(maxsize=4096)
def _pattern(model: str) -> re.Pattern[str]:
    """A name where `*` stands for anything; case is ignored, as everywhere in names of models."""
    return re.compile(".*".join(re.escape(part) for part in model.casefold().split("*")), re.DOTALL)


def _is_in(addresses: tuple[str, ...], client: str | None) -> bool:
    if client is None:
        return False
    address = ipaddress.ip_address(client)
    # A socket of both families shows a client of IPv4 in the form of IPv6 (RFC 4291, section 2.5.5.2).
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _networks(addresses))


@lru_cache(maxsize=1024)
def _networks(addresses: tuple[str, ...]) -> tuple[_Network, ...]:
    """The networks of a list. What is none lets nobody in: a list that cannot be read opens no door."""
    found = []
    for text in addresses:
        with suppress(ValueError):
            found.append(ipaddress.ip_network(text, strict=False))
    return tuple(found)
