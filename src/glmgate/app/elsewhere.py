"""The services whose keys were found in the environment, as those who have the models of GLM's names.

What is asked of them and how is made where every chain is made (`routes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from glmgate.routing.catalogue import KINDS, Deployment, ModelCard, ModelKind, Rank
from glmgate.routing.names import listed as listed_names
from glmgate.settings.found import Found
from glmgate.settings.models import Model, Route

# Names that only a pattern knows are made up by callers: so many chains are kept, then they are made anew.
_MOST_UNLISTED: Final = 64


class Make(Protocol):
    """Makes what answers for a model's name."""

    def __call__(self, model: Model, rank: Rank, *, listed: bool = True) -> Deployment:
        """The deployment of `model`; `listed`: its name is known by itself, not by a pattern."""
        ...


class Environment:
    """Answers GLM's names: by the first service, and by the others where that one cannot."""

    def __init__(self, found: Sequence[Found], make: Make, *, created: int) -> None:
        self._found = tuple(found)
        self._make = make
        self._created = created
        self._listed: dict[str, tuple[str, ModelKind]] = {name.casefold(): (name, kind) for name, kind in known()}
        self._made: dict[tuple[str, ModelKind], Deployment] = {}

    def deployment(self, name: str, kind: ModelKind) -> Deployment | None:
        """Who answers for a GLM name."""
        key = (name.casefold(), kind)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= len(self._listed) + _MOST_UNLISTED:
                self._made.clear()
            made = self._made[key] = self._new(*key)
        return made

    def usual(self, kind: ModelKind) -> Deployment | None:
        """Who answers where a name of another catalogue is asked for."""
        name = next((name for each in self._found if (name := _usual(each, kind)) is not None), None)
        return None if name is None else self.deployment(name, kind)

    def cards(self) -> Sequence[ModelCard]:
        """Those whose names are known one by one."""
        return [
            ModelCard(id=name, created=self._created, owned_by=self.services(kind)[0].upstream.name, kind=kind)
            for name, kind in self._listed.values()
        ]

    def places(self) -> set[str]:
        """What all places are called that may come to answer."""
        return {
            f"{each.upstream.name}/{name}"
            for each in self._found
            for name, _ in (*self._listed.values(), ("other", ""))
        }

    def services(self, kind: ModelKind) -> tuple[Found, ...]:
        """The services that are asked for models of the kind, in their order."""
        return asked(self._found, kind)

    def _new(self, name: str, kind: ModelKind) -> Deployment:
        is_listed = name in self._listed
        routes = tuple(
            Route(upstream=each.upstream.name, engine=None, model=name, priority=place)
            for place, each in enumerate(self.services(kind), start=1)
        )
        model = Model(name=name, kind=kind, routes=routes, coalesce=kind == "embedding")
        return self._make(model, "found", listed=is_listed)


def asked(found: tuple[Found, ...], kind: ModelKind) -> tuple[Found, ...]:
    """Those of the services that are asked for models of the kind: who has some, or (nobody has) all of them."""
    return tuple(each for each in found if _usual(each, kind) is not None) or found


def known() -> Iterator[tuple[str, ModelKind]]:
    """The names that are known one by one, each with its kind."""
    return ((name, each) for name, kind in listed_names() for each in KINDS if each == kind)


def _usual(found: Found, kind: ModelKind) -> str | None:
    return found.usual.chat if kind == "chat" else found.usual.embedding
