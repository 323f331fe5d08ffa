"""The whole program, built from settings and passed on: the only place where every part meets.

Nothing is decided here but who gets which part.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from glmgate.adaptation.profile import shipped
from glmgate.adaptation.wordpiece import WordPiece
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.fitting import advice, kind_of
from glmgate.engines.embedded.machine import availability, memory_for_models
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import SettingsError
from glmgate.gateway.gateway import Gateway
from glmgate.gateway.identify import Anyone, Identify
from glmgate.routing.adapted import Adapted
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.routing.fanout import Fanout
from glmgate.settings import Settings
from glmgate.storage.accounts import Accounts, open_accounts
from glmgate.surfaces.application import Application, build
from glmgate.surfaces.interfaces import Exposition, Operations, Readiness
from glmgate.telemetry.log import RequestLog
from glmgate.telemetry.metrics import CONTENT_TYPE, Metrics
from glmgate.telemetry.observers import Observers
from glmgate.weights.builtin import builtin_models
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.gguf import GgufFacts, read_facts
from glmgate.weights.store import Store
from glmgate.weights.vocabulary import KIND as WORDPIECE
from glmgate.weights.vocabulary import read_wordpiece

_PROFILE: Final = "embedded"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """A program that is open: what answers HTTP, and what a start has to tell.

    `accounts` is None where no key is asked for. `first_key` is the whole key, on the start that made it.
    `engine_missing` says why the embedded engine cannot run; then there are no local models.
    """

    http: Application
    catalogue: Catalogue
    supervisor: Supervisor
    accounts: Accounts | None
    first_key: str | None
    engine_missing: str | None


@asynccontextmanager
async def opened(settings: Settings, *, lost_lines: Callable[[], int] = int) -> AsyncIterator[App]:
    """Build and open everything; close it in reverse order, running answers first.

    `lost_lines` counts log lines that could not be written. Raises SettingsError, WeightsUnreadable.
    """
    async with AsyncExitStack() as stack:
        accounts = None
        if settings.server.auth:
            accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
            stack.push_async_callback(accounts.aclose)
        first = await accounts.keyring.create_first() if accounts else None
        missing = availability()
        supervisor = Supervisor(settings.engine)
        stack.push_async_callback(supervisor.aclose, grace_s=settings.server.shutdown_grace_s)
        catalogue = Catalogue(
            () if missing else [_deployment(model, facts, supervisor) for model, facts in _local_models(settings)],
            openai=settings.aliases.openai,
            strict_models=settings.aliases.strict_models,
        )
        metrics = Metrics(states=lambda: _states(supervisor), lost_lines=lost_lines)
        gateway = Gateway(
            identify=Identify(accounts.store, accounts.master) if accounts else Anyone(),
            catalogue=catalogue,
            observer=Observers(RequestLog(), metrics),
            clock=time.monotonic,
        )
        operations = Operations(
            readiness=lambda: _readiness(catalogue, supervisor, missing),
            exposition=lambda: Exposition(CONTENT_TYPE, metrics.render()),
        )
        yield App(
            http=build(gateway, operations, settings.server),
            catalogue=catalogue,
            supervisor=supervisor,
            accounts=accounts,
            first_key=accounts.keyring.text(first) if accounts and first else None,
            engine_missing=missing,
        )


def _local_models(settings: Settings) -> list[tuple[LocalModel, GgufFacts]]:
    """The models of this start: given, pulled, built-in; the first of its kind stands in for known names."""
    budget = memory_for_models(settings.engine.memory_bytes)
    models = _given_models(settings, budget)
    names = {model.name.casefold() for model, _ in models}
    if len(names) < len(models):
        raise SettingsError("Two models given by --model have the same file name, which names them: rename one.")
    for model, facts in _pulled_models(settings, budget):
        if model.name.casefold() not in names:
            names.add(model.name.casefold())
            models.append((model, facts))
    for shipped_model in builtin_models():
        if shipped_model.name not in names:
            model = LocalModel(
                name=shipped_model.name,
                path=shipped_model.path,
                kind=shipped_model.kind,
                window=shipped_model.window,
            )
            models.append((model, read_facts(shipped_model.path)))
    return models


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


def _deployment(model: LocalModel, facts: GgufFacts, supervisor: Supervisor) -> Deployment:
    context = supervisor.context(facts)
    reader = _reader(model, facts, context)
    profile = shipped(_PROFILE).for_model(
        # What is read into token ids by us holds no special token whatever it says.
        guarded=facts.control_tokens if reader is None else (),
        markup=facts.markup_tokens,
        context_length=context,
        dimensions=facts.embedding_length if model.kind == "embedding" else None,
        vocabulary=facts.vocabulary,
        longest_token=facts.longest_token,
    )
    return Deployment(
        name=model.name,
        engine=Fanout(Adapted(EmbeddedEngine(model, supervisor), profile, reader=reader)),
        kind=model.kind,
        created=int(model.path.stat().st_mtime),
        context_length=min(context, model.window or context),
    )


def _reader(model: LocalModel, facts: GgufFacts, context: int) -> Callable[[], WordPiece] | None:
    """Reads texts for a model whose WordPiece is ours; its vocabulary is read when it is first needed."""
    if model.kind != "embedding" or facts.tokenizer != WORDPIECE:
        return None
    window = min(context, model.window or context)
    return functools.cache(lambda: read_wordpiece(model.path, window=window))


def _states(supervisor: Supervisor) -> dict[str, str]:
    return {status.name: status.phase.value for status in supervisor.status()}


def _readiness(catalogue: Catalogue, supervisor: Supervisor, missing: str | None) -> Readiness:
    """Ready when a model can be asked: children start when they are needed, so a stopped one is no obstacle."""
    engines: dict[str, object] = {
        status.name: {"state": status.phase.value, "busy": status.busy, "waiting": status.waiting}
        for status in supervisor.status()
    }
    if missing is not None:
        engines["embedded"] = {"state": "missing", "reason": missing}
    return Readiness(ready=bool(catalogue.deployments), engines=engines)
