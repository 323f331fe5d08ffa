"""The whole program, built from settings and passed on: the only place where every part meets.

Nothing is decided here but who gets which part.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from glmgate.adaptation.profile import shipped
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.machine import availability
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
from glmgate.weights.gguf import GgufFacts, read_facts

_PROFILE: Final = "embedded"
_ENCODERS: Final = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "modern-bert", "gemma-embedding"})


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
            ()
            if missing
            else [_deployment(model, facts, supervisor) for model, facts in _local_models(settings.models)],
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


def _local_models(paths: tuple[Path, ...]) -> list[tuple[LocalModel, GgufFacts]]:
    """The models of this start: those given by path first, because the first of its kind stands in for known names."""
    given = [(path, read_facts(path)) for path in paths]
    models = [(_given_model(path, facts), facts) for path, facts in given]
    names = {model.name.casefold() for model, _ in models}
    if len(names) < len(models):
        raise SettingsError("Two models given by --model have the same file name, which names them: rename one.")
    for shipped_model in builtin_models():
        if shipped_model.name not in names:
            model = LocalModel(name=shipped_model.name, path=shipped_model.path, kind=shipped_model.kind)
            models.append((model, read_facts(shipped_model.path)))
    return models


def _given_model(path: Path, facts: GgufFacts) -> LocalModel:
    """A file's model, named by its file: what a file calls itself inside is not unique."""
    embeds = facts.architecture in _ENCODERS or facts.pooling > 0
    return LocalModel(name=path.stem, path=path, kind="embedding" if embeds else "chat")


def _deployment(model: LocalModel, facts: GgufFacts, supervisor: Supervisor) -> Deployment:
    context = supervisor.context(facts)
    profile = shipped(_PROFILE).for_model(
        guarded=facts.control_tokens,
        markup=facts.markup_tokens,
        context_length=context,
        dimensions=facts.embedding_length if model.kind == "embedding" else None,
        vocabulary=facts.vocabulary,
        longest_token=facts.longest_token,
    )
    return Deployment(
        name=model.name,
        engine=Fanout(Adapted(EmbeddedEngine(model, supervisor), profile)),
        kind=model.kind,
        created=int(model.path.stat().st_mtime),
        context_length=context,
    )


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
