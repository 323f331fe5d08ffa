"""What is administered, as OpenAI's administration writes it; what that has no member for stands in `glmgate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from glmgate.policy.keys import Key
from glmgate.policy.organisation import Project, ServiceAccount
from glmgate.policy.terms import plain

T = TypeVar("T")
_ROLE = "member"
NO_LIMIT: Final = 2**53 - 1
"""What stands for no limit where OpenAI's type is a number: the greatest that every JSON reader keeps exactly."""


def listed(found: Sequence[T], limit: int, written: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """A page of a list; `found` has one more than `limit` where there is more."""
    data = [written(each) for each in found[:limit]]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(found) > limit,
    }


def deleted(kind: str, subject_id: str) -> dict[str, Any]:
    """That something is gone."""
    return {"object": f"{kind}.deleted", "id": subject_id, "deleted": True}


def project(value: Project) -> dict[str, Any]:
    """A project."""
    return {
        "id": value.id,
        "object": "organization.project",
        "name": value.name,
        "created_at": int(value.created_at),
        "archived_at": _seconds(value.archived_at),
        "status": "active" if value.archived_at is None else "archived",
        "glmgate": {"terms": plain(value.terms)},
    }


def api_key(value: Key, owner: ServiceAccount | None) -> dict[str, Any]:
    """A key of a project. There are no users here: a key that no service account owns is a user's without a name."""
    return {
        "id": value.id,
        "object": "organization.project.api_key",
        "name": value.name,
        "created_at": int(value.created_at),
        "expires_at": _seconds(value.expires_at),
        "last_used_at": None,
        "redacted_value": f"{value.id}.***",
        "owner_project_access": "active",
        "owner": {"type": "user", "user": None} if owner is None else _owner(owner),
        "glmgate": {"terms": plain(value.terms)},
    }


def service_key(value: Key, text: str) -> dict[str, Any]:
    """A new key of a service account, with its secret."""
    return {
        "id": value.id,
        "object": "organization.project.service_account.api_key",
        "name": value.name,
        "created_at": int(value.created_at),
        "expires_at": _seconds(value.expires_at),
        "value": text,
        "glmgate": {"terms": plain(value.terms)},
    }


def service_account(value: ServiceAccount) -> dict[str, Any]:
    """A service account."""
    return {
        "id": value.id,
        "object": "organization.project.service_account",
        "name": value.name,
        "role": _ROLE,
        "created_at": int(value.created_at),
    }


def admin_key(value: Key) -> dict[str, Any]:
    """An administrator's key; its name stands for who holds it."""
    return {
        "id": value.id,
        "object": "organization.admin_api_key",
        "name": value.name,
        "created_at": int(value.created_at),
        "expires_at": _seconds(value.expires_at),
        "last_used_at": None,
        "redacted_value": f"{value.id}.***",
        "owner": {"type": "user", "object": "organization.user", "id": None, "name": value.name, "role": "owner"},
        "glmgate": {"terms": plain(value.terms)},
    }


def rate_limit_id(project_id: str) -> str:
    """The id of a project's rates."""
    return f"rl-{project_id}"


def rate_limit(value: Project) -> dict[str, Any]:
    """The rates of a project, which all its models share; `NO_LIMIT` where there is none."""
    return {
        "id": rate_limit_id(value.id),
        "object": "project.rate_limit",
        "model": "*",
        "max_requests_per_1_minute": value.terms.rpm or NO_LIMIT,
        "max_tokens_per_1_minute": value.terms.tpm or NO_LIMIT,
    }


def _owner(owner: ServiceAccount) -> dict[str, Any]:
    return {
        "type": "service_account",
        "service_account": {
            "id": owner.id,
            "name": owner.name,
            "role": _ROLE,
            "created_at": int(owner.created_at),
        },
    }


def _seconds(value: float | None) -> int | None:
    return None if value is None else int(value)
