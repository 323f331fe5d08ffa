"""Finding the route of a request: exact paths first, then templates, method by method.

Which routes there are is not known here (`routes`, `catalogue`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from glmgate.errors import MethodNotAllowed, PathNotFound
from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.paths import BASES, Place
from glmgate.surfaces.request import Request
from glmgate.wire.members import Members

Endpoint = Callable[[Exchange], Awaitable[None]]
Access = Literal["key", "admin", "open", "metrics", "local"]
"""Who may come: holders of a key, of an administrator's key, everybody, who may see metrics, or
who sits at this machine (or has an administrator's key)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, and what is to be told of it.

    In `path`, `{name}` stands for one segment, `{name*}` at the end for all that follow. A `rooted` path stands under
    no base. `body` is the type of the request, `served` is False for what only answers 501.
    """

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    access: Access = "key"
    rooted: bool = False
    body: type[Members] | None = None
    streams: bool = False
    served: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request, and the segments that its template left open."""

    route: Route
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Template:
    segments: tuple[str, ...]
    by_method: dict[str, Route]

    @property
    def rank(self) -> tuple[bool, ...]:
        """Literal segments win over open ones, from the left."""
        return tuple(segment.startswith("{") for segment in self.segments)

    def params(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """What is open in the template, as `segments` fill it; None when they don't match."""
        own = self.segments
        if own and own[-1].endswith("*}"):
            if len(segments) < len(own):
                return None
            segments = (*segments[: len(own) - 1], "/".join(segments[len(own) - 1 :]))
        if len(segments) != len(own):
            return None
        found: dict[str, str] = {}
        for mine, given in zip(own, segments, strict=True):
            if mine.startswith("{"):
                found[mine.strip("{*}")] = given
            elif mine != given:
                return None
        return found


class Table:
    """All routes. An earlier one wins over a later one of the same method and path."""

    __slots__ = ("_exact", "_templates")

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[tuple[bool, tuple[str, ...]], _Template] = {}
        grouped: dict[tuple[bool, tuple[str, ...]], _Template] = {}
        for route in routes:
            segments = tuple(segment for segment in route.path.split("/") if segment)
            group = grouped if "{" in route.path else self._exact
            template = group.setdefault((route.rooted, _nameless(segments)), _Template(segments, {}))
            template.by_method.setdefault(route.method, route)
        self._templates: dict[bool, list[_Template]] = {
            rooted: sorted((t for (r, _), t in grouped.items() if r == rooted), key=lambda t: t.rank)
            for rooted in (True, False)
        }

    def find(self, request: Request) -> Match:
        """The route for the request's path and method; a HEAD is answered by a GET.

        Raises PathNotFound, or MethodNotAllowed after putting `allow` among the answer's headers.
        """
        place = request.place
        method = "GET" if request.method == "HEAD" else request.method
        allowed: set[str] = set()
        for template, params in self._candidates(place):
            if method in template.by_method:
                return Match(template.by_method[method], params)
            allowed |= template.by_method.keys()
        if not allowed:
            raise PathNotFound(_not_found(place))
        names = ", ".join(sorted(allowed | {"OPTIONS"} | ({"HEAD"} if "GET" in allowed else set())))
        request.answer_headers.append((b"allow", names.encode("ascii")))
        raise MethodNotAllowed(f"{request.method!r} is not possible on {place.base + place.path!r}. Possible: {names}.")

    def _candidates(self, place: Place) -> Iterable[tuple[_Template, dict[str, str]]]:
        rooted = not place.base
        exact = self._exact.get((rooted, place.segments))
        if exact is not None:
            yield exact, {}
        for template in self._templates[rooted]:
            params = template.params(place.segments)
            if params is not None:
                yield template, params


def _nameless(segments: tuple[str, ...]) -> tuple[str, ...]:
    """The same template under whatever names: `/files/{id}` is `/files/{file_id}`."""
    return tuple("{*}" if s.endswith("*}") else "{}" if s.startswith("{") else s for s in segments)


def _not_found(place: Place) -> str:
    if place.base:
        return f"No path {place.path!r} under {place.base!r}. What is served stands in /openapi.json."
    bases = ", ".join(base for base, _ in BASES)
    return f"No path {place.path!r}. Paths of the API stand under one of {bases}."
