"""Which deployment answers for a name, and what is told about it.

Only names and kinds are decided on here; a deployment's engine is whatever was built for it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from glmgate.errors import ModelNotFound, UnsupportedValue
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
_DOES: Final[dict[str, str]] = {
    "chat": "chats",
    "embedding": "embeds",
    "rerank": "reranks",
    "image": "makes images",
    "audio": "works with sound",
    "video": "makes videos",
    "moderation": "moderates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One place that runs a model. `created` in seconds since 1970, `context_length` in tokens."""

    name: str
    engine: Engine
    kind: ModelKind
    owned_by: str = "glmgate"
    created: int = 0
    context_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What clients are told about a model. `answered_by`: the model that really answers, where that is another."""

    id: str
    created: int
    owned_by: str
    kind: ModelKind
    context_length: int | None = None
    answered_by: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who answers for a name. `note` is for the report, where it is not the model that was asked for."""

    deployment: Deployment
    requested: str
    stand_in: bool = False
    note: Note | None = None


class Catalogue:
    """The deployments of this server, the preferred ones first, and the names that they stand in for.

    `openai`: OpenAI's names are known. `strict_models`: only names that really answer are.
    """

    def __init__(self, deployments: Sequence[Deployment], *, openai: bool = True, strict_models: bool = False) -> None:
        self._deployments = tuple(deployments)
        self._by_name = {deployment.name.casefold(): deployment for deployment in reversed(self._deployments)}
        self._openai = openai
        self._strict = strict_models

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """All of them, the preferred ones first."""
        return self._deployments

    def resolve(self, name: str, work: Work) -> Resolution:
        """Who does `work` for `name`; case is ignored. Embedding models rerank, by their vectors.

        Raises ModelNotFound when nobody does, UnsupportedValue when the model is of another kind.
        """
        kind = _MODELS_FOR[work]
        if (own := self._by_name.get(name.casefold())) is not None:
            if own.kind != kind:
                raise _wrong_kind(own.name, own.kind, work)
            return Resolution(own, name)
        names = self._stand_in_names(name)
        if names.kind not in _NAMES_FOR[work]:
            raise _wrong_kind(name, names.kind, work)
        deployment = self._standing_in(kind, name)
        note = _note(name, deployment.name)
        if names.dimensions is not None and work == "embedding":
            deployment = dataclasses.replace(deployment, engine=Sized(deployment.engine, names.dimensions))
        return Resolution(deployment, name, stand_in=True, note=note)

    def cards(self) -> tuple[ModelCard, ...]:
        """The models that really answer."""
        return tuple(_card(deployment) for deployment in self._deployments)

    def card(self, name: str) -> ModelCard:
        """The model of that name, or the one that stands in for it. Raises ModelNotFound."""
        if (own := self._by_name.get(name.casefold())) is not None:
            return _card(own)
        names = self._stand_in_names(name)
        work = next((work for work, kinds in _NAMES_FOR.items() if names.kind == kinds[0]), None)
        if work is None:
            raise self._not_found(name)
        answers = self._standing_in(_MODELS_FOR[work], name)
        return dataclasses.replace(_card(answers), id=name, answered_by=answers.name)

    def _stand_in_names(self, name: str) -> Names:
        names = None
        if not self._strict and len(name) <= _LONGEST_NAME:
            names = known(name, openai=self._openai)
        if names is None:
            raise self._not_found(name)
        return names

    def _standing_in(self, kind: ModelKind, name: str) -> Deployment:
        for deployment in self._deployments:
            if deployment.kind == kind:
                return deployment
        raise self._not_found(name)

    def _not_found(self, name: str) -> ModelNotFound:
        there = [deployment.name for deployment in self._deployments]
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
