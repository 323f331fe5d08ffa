"""The bodies of requests to the administration. What is not known in them is refused: it was there for a purpose."""

from __future__ import annotations

from typing import Any, TypeVar

from glmgate.errors import InvalidRequest
from glmgate.policy.terms import changed
from glmgate.surfaces.exchange import Exchange
from glmgate.wire.members import Members
from glmgate.wire.terms import NO_TERMS

B = TypeVar("B", bound=Members)


class AdminExtension(Members, kw_only=True):
    """What OpenAI's administration has no member for: terms, as plain values; null takes one back."""

    terms: dict[str, Any] | None = None


class NewProject(Members, kw_only=True):
    """A project to make."""

    name: str
    glmgate: AdminExtension | None = None


class ProjectUpdate(Members, kw_only=True):
    """What shall be different about a project."""

    name: str | None = None
    glmgate: AdminExtension | None = None


class NewKey(Members, kw_only=True):
    """A key to make, a user's or an administrator's."""

    name: str
    expires_in_seconds: int | None = None
    glmgate: AdminExtension | None = None


class KeyUpdate(Members, kw_only=True):
    """What shall be different about a key."""

    name: str | None = None
    expires_in_seconds: int | None = None
    glmgate: AdminExtension | None = None


class NewServiceAccount(Members, kw_only=True):
    """A service account to make, with its first key unless only the account is wanted. The terms are the key's."""

    name: str
    create_service_account_only: bool | None = None
    expires_in_seconds: int | None = None
    glmgate: AdminExtension | None = None


class NewServiceKey(Members, kw_only=True):
    """One more key of a service account."""

    name: str | None = None
    expires_in_seconds: int | None = None
    glmgate: AdminExtension | None = None


class ServiceAccountUpdate(Members, kw_only=True):
    """What shall be different about a service account. There is one role."""

    name: str | None = None
    role: str | None = None


class RateLimitUpdate(Members, kw_only=True):
    """What shall be different about a project's rates."""

    max_requests_per_1_minute: int | None = None
    max_tokens_per_1_minute: int | None = None


async def read_body(exchange: Exchange, into: type[B]) -> B:
    """The body as `into`. InvalidRequest where something in it is not known."""
    body = await exchange.read(into)
    _check(body, "")
    extension = getattr(body, "glmgate", None)
    if isinstance(extension, AdminExtension):
        _check(extension, "glmgate.")
    return body


def terms_in(extension: AdminExtension | None) -> dict[str, Any]:
    """The terms that a body brings. InvalidRequest, with their path in the body, where they make no sense."""
    given = None if extension is None else extension.terms
    if given:
        changed(NO_TERMS, given, where="glmgate.terms")
    return given or {}


def _check(body: Members, where: str) -> None:
    for name in body.unknown:
        known = [field for field in type(body).__struct_fields__ if field != "unknown"]
        raise InvalidRequest(
            f"{where + name!r} is not served here. Known are: {', '.join(known)}.",
            param=where + name,
            code="unknown_parameter",
        )
