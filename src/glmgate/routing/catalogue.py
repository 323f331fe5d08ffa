"""Which deployment answers for a name, and what is told about it.

Only names and kinds are decided on here; a deployment's engine is whatever was built for it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from glmgate.errors import ModelNotFound, UnsupportedValue
from glmgate.policy.admission import Target
from glmgate.routing.names import Names, known
from glmgate.routing.sized import Sized
from glmgate.wire.engine import Engine, Note

ModelKind = Literal["chat", "embedding"]

_REPORTABLE: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,63}", re.ASCII)
_LONGEST_NAME: Final = 256
_MOST_LISTED: Final = 20
Work = Literal["chat", "embedding", "rerank"]
"""What is asked of a model."""

# Which kinds of names may be asked for a work, and which kinds of models can do it, the better one first.
_NAMES_FOR: Final[dict[Work, tuple[str, ...]]] = {
    "chat": ("chat",),
    "embedding": ("embedding",),
    "rerank": ("rerank", "embedding"),
}
_MODELS_FOR: Final[dict[Work, ModelKind]] = {"chat": "chat", "embedding": "embedding", "rerank": "embedding"}
KINDS: Final[tuple[ModelKind, ...]] = ("chat", "embedding")
_DOES: Final[dict[str, str]] = {
    "chat": "chats",
    "embedding": "embeds",
    "rerank": "reranks",
    "image": "makes images",
    "audio": "works with sound",
    "video": "makes videos",
    "moderation": "moderates",
}


Rank = Literal["route", "local", "found", "built-in"]
"""Why a model is here: by the settings' routes, by its weights, by a key in the environment, or always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What answers for a model's name. `created` in seconds since 1970, `context_length` in tokens.

    `aliases` are names that it answers as well. `targets` are the places that may answer. `label` is what metrics
    call it until it has answered (empty: by its name): names that a pattern lets through are made up by callers.
    """

    name: str
    engine: Engine
    kind: ModelKind
    owned_by: str = "glmgate"
    created: int = 0
    context_length: int | None = None
    aliases: tuple[str, ...] = ()
    rank: Rank = "local"
    label: str = ""
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What clients are told about a model. `answered_by`: the model that really answers, where that is another."""

    id: str
    created: int
    owned_by: str
    kind: ModelKind
    context_length: int | None = None
    answered_by: str | None = None


class Elsewhere(Protocol):
    """A service that has the models of GLM's names, and is asked for them by these names."""

    def deployment(self, name: str, kind: ModelKind) -> Deployment | None:
        """Who answers for a GLM name; None where models of the kind are not there."""
        ...

    def usual(self, kind: ModelKind) -> Deployment | None:
        """Who answers where a name of another catalogue is asked for."""
        ...

    def cards(self) -> Sequence[ModelCard]:
        """Those whose names are known one by one."""
        ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who answers for a name. `note` is for the report, where it is not the model that was asked for."""

    deployment: Deployment
    requested: str
    stand_in: bool = False
    note: Note | None = None


class Catalogue:
    """The deployments of this server, the preferred ones first, and the names that they stand in for.

    `elsewhere` answers GLM's names where no deployment of a route or with weights does. `openai`: OpenAI's names are
    known. `strict_models`: only names that really answer are.

    What is built in never stands in for a real model: it answers other names only where no route and no service is.
    """

    def __init__(
        self,
        deployments: Sequence[Deployment],
        *,
        elsewhere: Elsewhere | None = None,
        openai: bool = True,
        strict_models: bool = False,
    ) -> None:
        self._deployments = tuple(sorted(deployments, key=lambda deployment: deployment.rank != "route"))
        self._by_name = {deployment.name.casefold(): deployment for deployment in reversed(self._deployments)}
        self._by_alias = {
            alias.casefold(): deployment for deployment in reversed(self._deployments) for alias in deployment.aliases
        }
        self._elsewhere = elsewhere
        self._openai = openai
        self._strict = strict_models
        self._only_built_in = elsewhere is None and all(each.rank != "route" for each in self._deployments)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """All that are here, the preferred ones first."""
        return self._deployments

    @property
    def elsewhere(self) -> Elsewhere | None:
        """Who is asked for GLM's names that nobody here answers."""
        return self._elsewhere

    def may_stand_in(self, deployment: Deployment) -> bool:
        """Whether it may answer names of other models; whether it does depends on those before it."""
        return not self._strict and (deployment.rank != "built-in" or self._only_built_in)

    def resolve(self, name: str, work: Work) -> Resolution:
        """Who does `work` for `name`; case is ignored. Embedding models rerank, by their vectors.

        Raises ModelNotFound when nobody does, UnsupportedValue when the model is of another kind.
        """
        kind = _MODELS_FOR[work]
        if (own := self._own(name)) is not None:
            if own.kind != kind:
                raise _wrong_kind(own.name, own.kind, work)
            alias = own.name.casefold() != name.casefold()
            return Resolution(own, name, stand_in=alias, note=_note(name, own.name) if alias else None)
        names = self._stand_in_names(name)
        if names.kind not in _NAMES_FOR[work]:
            raise _wrong_kind(name, names.kind, work)
        deployment = self._standing_in(kind, name, names)
        if deployment.name.casefold() == name.casefold():
            return Resolution(deployment, name)
        note = _note(name, deployment.name)
        if names.dimensions is not None and work == "embedding":
            deployment = dataclasses.replace(deployment, engine=Sized(deployment.engine, names.dimensions))
        return Resolution(deployment, name, stand_in=True, note=note)

    def cards(self) -> tuple[ModelCard, ...]:
        """The models that really answer."""
        there = () if self._elsewhere is None else self._elsewhere.cards()
        here = [_card(deployment) for deployment in self._deployments]
        return (*here, *(card for card in there if self._own(card.id) is None))

    def card(self, name: str) -> ModelCard:
        """The model of that name, or the one that stands in for it. Raises ModelNotFound."""
        own = self._own(name)
        if own is None:
            names = self._stand_in_names(name)
            work = next((work for work, kinds in _NAMES_FOR.items() if names.kind == kinds[0]), None)
            if work is None:
                raise self._not_found(name)
            own = self._standing_in(_MODELS_FOR[work], name, names)
        if own.name.casefold() == name.casefold():
            return _card(own)
        return dataclasses.replace(_card(own), id=name, answered_by=own.name)

    def _own(self, name: str) -> Deployment | None:
        """The deployment that has the name, or has it as an alias; a route's alias is stronger than weights' names."""
        named, aliased = self._by_name.get(name.casefold()), self._by_alias.get(name.casefold())
        if named is not None and (aliased is None or named.rank == "route"):
            return named
        return aliased

    def _stand_in_names(self, name: str) -> Names:
        names = known(name, openai=self._openai) if len(name) <= _LONGEST_NAME else None
        if names is None or (self._strict and not self._is_elsewhere(name, names)):
            raise self._not_found(name)
        return names

    def _is_elsewhere(self, name: str, names: Names) -> bool:
        """Whether the name is really that of a model of the service in the environment."""
        return self._asked_elsewhere(name, names) is not None

    def _asked_elsewhere(self, name: str, names: Names) -> Deployment | None:
        if self._elsewhere is None or names.openai:
            return None
        return next(
            (self._elsewhere.deployment(name, kind) for kind in KINDS if kind == names.kind),
            None,
        )

    def _standing_in(self, kind: ModelKind, name: str, names: Names) -> Deployment:
        """Who answers for a name that is nobody's own: a route, weights, the service elsewhere, what is built in."""
        standing = [each for each in self._deployments if each.kind == kind and self.may_stand_in(each)]
        real = next((each for each in standing if each.rank != "built-in"), None)
        found = real or self._found(kind, name, names) or next(iter(standing), None)
        if found is None:
            raise self._not_found(name)
        return found

    def _found(self, kind: ModelKind, name: str, names: Names) -> Deployment | None:
        """Who answers elsewhere: for a name of theirs under it, for others with the usual model."""
        if self._elsewhere is None:
            return None
        return self._asked_elsewhere(name, names) or self._elsewhere.usual(kind)

    def _not_found(self, name: str) -> ModelNotFound:
        there = [card.id for card in self.cards()]
        listed = ", ".join(there[:_MOST_LISTED]) + (", …" if len(there) > _MOST_LISTED else "")
        return ModelNotFound(
            f"There is no model {name[:_LONGEST_NAME]!r} here. Those that answer: {listed or 'none'}.", param="model"
        )


def _card(deployment: Deployment) -> ModelCard:
    return ModelCard(
        id=deployment.name,
        created=deployment.created,
        owned_by=deployment.owned_by,
        kind=deployment.kind,
        context_length=deployment.context_length,
    )


def _wrong_kind(name: str, kind: str, wanted: Work) -> UnsupportedValue:
    return UnsupportedValue(
        f"The model {name[:_LONGEST_NAME]!r} {_DOES[kind]}; this needs one that {_DOES[wanted]}.",
        param="model",
        zai_code="1212",
    )


def _note(requested: str, answering: str) -> Note:
    """Names are told as long as they are plain; a pattern lets a caller's own text through."""
    before, after = (
        name if _REPORTABLE.fullmatch(name) else "other" for name in (requested.casefold(), answering.casefold())
    )
    return Note("model", f"{before}->{after}", exact=False)
