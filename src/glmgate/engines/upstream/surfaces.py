"""Where services on the network are, which surfaces they have, and what a server of unknown kind is told by.

The data is `surfaces.toml`; nothing is asked of anybody here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Literal
from urllib.parse import urlsplit

import msgspec

DialectName = Literal["chat", "messages"]
"""How questions and answers are written: with `choices`, or with blocks of `content`."""

_PACKAGE = "glmgate.engines.upstream"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. Members that it does not know are refused."""


class Dialect(_Table, frozen=True):
    """How a surface is asked: the path below its base URL, and the headers beside the usual ones."""

    path: str
    headers: dict[str, str] = {}
    key_headers: tuple[str, ...] = ()


class Service(_Table, frozen=True):
    """A service: its origin, where its credentials are made, and its profiles by surface."""

    name: str
    title: str
    origin: str
    console: str = ""
    profiles: dict[str, str] = {}


class Surface(_Table, frozen=True):
    """An API family at a path below a service's origin. `models`: whom to ask where none are listed."""

    name: str
    title: str
    path: str
    dialect: DialectName
    models: tuple[str, ...] = ()


class Server(_Table, frozen=True):
    """A kind of server and what it is recognised by, see the file."""

    title: str
    profile: str
    owned_by: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    path: str = ""
    members: tuple[str, ...] = ()

    def lists(self, owners: Sequence[str], headers: Mapping[str, str]) -> bool:
        """Whether a list of models with these owners and headers is of this kind of server."""
        return any(owner in self.owned_by for owner in owners) or any(
            fnmatchcase(headers.get(name, "").casefold(), pattern)
            for name, pattern in self.headers.items()
            if name in headers
        )


class Shape(_Table, frozen=True):
    """A form that a credential can have, by a regular expression for all of it."""

    name: str
    pattern: str


class Directory(_Table, frozen=True):
    """All that the file says. `silent`: parts of the names of models that do not chat."""

    dialects: dict[DialectName, Dialect]
    services: tuple[Service, ...]
    surfaces: tuple[Surface, ...]
    servers: tuple[Server, ...]
    shapes: tuple[Shape, ...]
    silent: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths at which servers of unknown kind are asked what they are, in order."""
        return tuple(dict.fromkeys(server.path for server in self.servers if server.path))

    def chats(self, model: str) -> bool:
        """Whether a model may be able to chat, by its name."""
        return not any(part in model.casefold() for part in self.silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A surface of a service, as a base URL. `profile` and `surface` are empty where nobody knows them yet."""

    base_url: str
    title: str
    dialect: DialectName = "chat"
    surface: str = ""
    service: str = ""
    console: str = ""
    profile: str = ""
    models: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Scheme, host and port of its URL."""
        return origin_of(self.base_url)

    @property
    def root(self) -> str:
        """Where a server keeps what belongs to no API: its URL without `/v1`."""
        return self.base_url.removesuffix("/v1")


@cache
def directory() -> Directory:
    """The package's data."""
    text = (resources.files(_PACKAGE) / "surfaces.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Directory)


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in lower case."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".casefold()


def known_places(known: Directory) -> tuple[Place, ...]:
    """Every surface of every service."""
    return tuple(place for service in known.services for place in _surfaces(known, service.origin, service))


def place_of(base_url: str, known: Directory) -> Place:
    """What is known about a base URL; a server of one's own may have a known surface's path."""
    origin = origin_of(base_url)
    base_url = origin + urlsplit(base_url).path
    service = next((each for each in known.services if each.origin == origin), None)
    for place in _surfaces(known, origin, service):
        if place.base_url == base_url:
            return place
    if service is not None:
        return Place(base_url=base_url, title=service.title, service=service.name, console=service.console)
    return Place(base_url=base_url, title=urlsplit(base_url).netloc)


def others(place: Place, known: Directory) -> tuple[Place, ...]:
    """Where else the credential of a place may belong, nearest first.

    A credential of a known service is shown to known services only, any other one to its own server only.
    """
    found: Iterator[Place]
    if place.service:
        found = (each for each in sorted(known_places(known), key=lambda each: each.service != place.service))
    elif place.surface:
        found = _surfaces(known, place.origin, None)
    elif not urlsplit(place.base_url).path:
        found = iter((Place(base_url=f"{place.base_url}/v1", title=place.title),))
    else:
        found = iter(())
    return tuple(each for each in found if each.base_url != place.base_url)


def shape_of(credential: str, known: Directory) -> str:
    """The name of the first form that a credential has; empty where none is known."""
    return next((shape.name for shape in known.shapes if re.fullmatch(shape.pattern, credential, re.DOTALL)), "")


def _surfaces(known: Directory, origin: str, service: Service | None) -> Iterator[Place]:
    # A server that nobody knows but that has these paths is most likely a gateway to the first service.
    profiles = (service or known.services[0]).profiles
    for surface in known.surfaces:
        yield Place(
            base_url=f"{origin}{surface.path}",
            title=f"{service.title if service else urlsplit(origin).netloc} {surface.title}",
            dialect=surface.dialect,
            surface=surface.name,
            service=service.name if service else "",
            console=service.console if service else "",
            profile=profiles.get(surface.name, ""),
            models=surface.models,
        )
