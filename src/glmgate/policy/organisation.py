"""What keys belong to: the organisation, its projects, and service accounts in them.

Pure values and decisions; where they are kept is `interfaces.AccountStore`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from glmgate.errors import InvalidRequest
from glmgate.wire.terms import NO_TERMS, Terms

DEFAULT: Final = "default"
"""The id of the organisation and of the project that are always there."""
_NAME_LENGTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Everybody who uses this server. Its terms hold for all."""

    id: str
    name: str
    created_at: float
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What keys are made for. Once it is archived its keys are refused, for good."""

    id: str
    name: str
    created_at: float
    organisation: str = DEFAULT
    archived_at: float | None = None
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A program that has keys of its own, which go when it goes."""

    id: str
    name: str
    project: str
    created_at: float


def archived(project: Project, *, now: float) -> Project:
    """`project`, closed from now on; one that was before keeps its date. InvalidRequest for the one of all."""
    if project.id == DEFAULT:
        raise InvalidRequest(
            f"The project {DEFAULT!r} cannot be archived: keys without a project belong to it.", param="project_id"
        )
    return project if project.archived_at is not None else replace(project, archived_at=now)


def usable(project: Project) -> Project:
    """`project`, where something new may be made in it. InvalidRequest where it is archived."""
    if project.archived_at is not None:
        raise InvalidRequest(
            f"Project {project.id!r} is archived: nothing in it can be made or changed.", param="project_id"
        )
    return project


def checked_name(name: str, what: str) -> str:
    """`name` without blanks around it. InvalidRequest when it is none."""
    stripped = name.strip()
    if not stripped or len(stripped) > _NAME_LENGTH or not stripped.isprintable():
        raise InvalidRequest(
            f"{what} name has 1 to {_NAME_LENGTH} printable characters, not {name[:_NAME_LENGTH]!r}.", param="name"
        )
    return stripped
