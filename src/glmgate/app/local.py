"""The models whose weights are here: given, pulled and built in, each as a deployment of the embedded engine.

What answers from elsewhere is in `routes`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from glmgate.adaptation.profile import shipped
from glmgate.adaptation.wordpiece import WordPiece
from glmgate.app.families import Families
from glmgate.app.keeper import Given
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.fitting import advice, kind_of
from glmgate.engines.embedded.interfaces import Supervision
from glmgate.engines.embedded.machine import availability, memory_for_models
from glmgate.engines.embedded.spec import LocalModel
from glmgate.errors import SettingsError
from glmgate.policy.admission import Target
from glmgate.policy.prices import OWN
from glmgate.routing.adapted import Adapted
from glmgate.routing.booked import Booked
from glmgate.routing.catalogue import Deployment, ModelKind, Rank
from glmgate.routing.fanout import Fanout
from glmgate.settings import Settings
from glmgate.weights.builtin import builtin_models
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.gguf import GgufFacts, read_facts
from glmgate.weights.store import Store
from glmgate.weights.vocabulary import KIND as WORDPIECE
from glmgate.weights.vocabulary import read_wordpiece
from glmgate.wire.engine import Place

_PROFILE: Final = "embedded"
_PROFILE_WITH_IMAGES: Final = "embedded-images"
_log = logging.getLogger(__name__)


def local_deployments(
    settings: Settings, supervisor: Supervision, families: Families, given: Given | None = None
) -> list[Deployment]:
    """The models of this start: given, pulled, built-in; the first of its kind stands in for known names.

    With `given` they are those. The ones that are not built in are added to `families`. Raises SettingsError,
    WeightsUnreadable.
    """
    models = _local_models(settings) if given is None else _still_here(given)
    return [_deployment(model, facts, supervisor, rank, families) for model, facts, rank in models]


def found_models(settings: Settings) -> Given:
    """The models of this start, for the workers that answer with them. Raises SettingsError, WeightsUnreadable."""
    return () if availability() else tuple((model, rank) for model, _, rank in _local_models(settings))


def local_kinds(settings: Settings) -> dict[str, ModelKind]:
    """What each of these models does, by name; none where the embedded engine cannot run."""
    return {} if availability() else {model.name: model.kind for model, _, _ in _local_models(settings)}


def _local_models(settings: Settings) -> Iterator[tuple[LocalModel, GgufFacts, Rank]]:
    budget = memory_for_models(settings.engine.memory_bytes)
    models = _given_models(settings, budget)
    names = {model.name.casefold() for model, _ in models}
    if len(names) < len(models):
        raise SettingsError("Two models given by --model have the same file name, which names them: rename one.")
    for model, facts in _pulled_models(settings, budget):
        if model.name.casefold() not in names:
            names.add(model.name.casefold())
            models.append((model, facts))
    yield from ((model, facts, "local") for model, facts in models)
    for built_in in builtin_models():
        if built_in.name not in names:
            model = LocalModel(name=built_in.name, path=built_in.path, kind=built_in.kind, window=built_in.window)
            yield model, read_facts(built_in.path), "built-in"


def _still_here(given: Given) -> Iterator[tuple[LocalModel, GgufFacts, Rank]]:
    """These models; one whose file is gone since the server's start is told and left out."""
    for model, rank in given:
        try:
            yield model, read_facts(model.path), rank
        except (WeightsUnreadable, OSError) as error:
            _log.warning("the model %r is left out: %s", model.name, error)


def _given_models(settings: Settings, budget: int) -> list[tuple[LocalModel, GgufFacts]]:
    """The models of --model. Raises SettingsError with what would fit where one does not."""
    given = [(path, read_facts(path)) for path in settings.models]
    for path, facts in given:
        if misfit := advice(path.stem, facts, settings.engine, budget_bytes=budget):
            raise SettingsError(misfit)
    return [(_given_model(path, facts), facts) for path, facts in given]


def _pulled_models(settings: Settings, budget: int) -> Iterator[tuple[LocalModel, GgufFacts]]:
    """Every pulled model, the newest first. One that cannot be run is told and left out: the others still answer."""
    for stored in Store(settings.store).models():
        try:
            facts = read_facts(stored.path)
        except WeightsUnreadable as error:
            _log.warning("the pulled model %r is left out: %s", stored.name, error.message)
            continue
        if misfit := advice(stored.name, facts, settings.engine, budget_bytes=budget):
            _log.warning("the pulled model %r is left out: %s", stored.name, misfit)
            continue
        yield _given_model(stored.path, facts), facts


def _given_model(path: Path, facts: GgufFacts) -> LocalModel:
    """A file's model, named by its file: what a file calls itself inside is not unique."""
    return LocalModel(name=path.stem, path=path, kind=kind_of(facts))


def _deployment(
    model: LocalModel, facts: GgufFacts, supervisor: Supervision, rank: Rank, families: Families
) -> Deployment:
    context = supervisor.context(facts)
    reader = _reader(model, facts, context)
    shared = shipped(_PROFILE if facts.projector is None else _PROFILE_WITH_IMAGES)
    profile = shared.for_family(model.name).for_model(
        # What is read into token ids by us holds no special token whatever it says.
        guarded=facts.control_tokens if reader is None else (),
        markup=facts.markup_tokens,
        context_length=context,
        dimensions=facts.embedding_length if model.kind == "embedding" else None,
        vocabulary=facts.vocabulary,
        longest_token=facts.longest_token,
    )
    if rank != "built-in":
        families.add(model, profile)
    place = Place(model.name, OWN, model.name)
    booked = Booked(EmbeddedEngine(model, supervisor), place)
    return Deployment(
        name=model.name,
        engine=Fanout(Adapted(booked, profile, reader=reader)),
        kind=model.kind,
        created=int(model.path.stat().st_mtime),
        context_length=min(context, model.window or context),
        rank=rank,
        targets=(Target(place, min(context, model.window or context)),),
    )


def _reader(model: LocalModel, facts: GgufFacts, context: int) -> Callable[[], WordPiece] | None:
    """Reads texts for a model whose WordPiece is ours; its vocabulary is read when it is first needed."""
    if model.kind != "embedding" or facts.tokenizer != WORDPIECE:
        return None
    window = min(context, model.window or context)
    return functools.cache(lambda: read_wordpiece(model.path, window=window))
