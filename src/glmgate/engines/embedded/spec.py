"""What is to be run: one local model, and how its child process is set up. Values and arithmetic only.

Which names such a model answers to in public is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.weights.chat_template import TemplateChoice, template_of
from glmgate.weights.fit import MemoryNeed, fitting_context, need
from glmgate.weights.gguf import GgufFacts

_STEP_TOKENS: Final = 512


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file and what it is for. `chat_template` (Jinja text) wins over every other template.

    `window`: the tokens that an embedding model reads at once, where that is less than its context.
    """

    name: str
    path: Path
    kind: Literal["chat", "embedding"] = "chat"
    chat_template: str | None = None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model will be run: tokens for each request, requests at once, memory for all of it."""

    model: LocalModel
    context: int
    slots: int
    threads: int
    need: MemoryNeed
    template: TemplateChoice
    pooling: str | None
    projector: Path | None = None


def context_of(facts: GgufFacts, settings: EmbeddedSettings, *, budget_bytes: int) -> int:
    """The tokens that each request may have, prompt and answer: as set, or what fits; never beyond the model's own."""
    context = settings.context or fitting_context(facts, slots=settings.parallel, budget_bytes=budget_bytes)
    return min(context, facts.context_length)


def chosen_template(model: LocalModel, facts: GgufFacts, settings: EmbeddedSettings) -> TemplateChoice:
    """The chat template that a model is run with: the user's, ours for its family, or the file's own.

    Raises OSError or UnicodeDecodeError when the user's cannot be read.
    """
    if model.kind == "embedding":
        return TemplateChoice("file" if facts.chat_template else "engine")
    set_for_family = settings.chat_templates.get(facts.architecture)
    override = model.chat_template or (set_for_family.read_text("utf-8") if set_for_family else None)
    return template_of(facts, override=override, keep=facts.architecture in settings.own_templates)


def plan(model: LocalModel, facts: GgufFacts, settings: EmbeddedSettings, *, threads: int, budget_bytes: int) -> Plan:
    """The plan for a model on this machine.

    Raises OSError or UnicodeDecodeError when a template that replaces the model's own cannot be read.
    """
    context = context_of(facts, settings, budget_bytes=budget_bytes)
    # llama.cpp's number is -1 or 0 where the file does not say how tokens become one vector; the mean is the usual way.
    unpooled = model.kind == "embedding" and facts.pooling <= 0
    return Plan(
        model=model,
        context=context,
        slots=settings.parallel,
        threads=settings.threads or threads,
        need=need(facts, context=context, slots=settings.parallel),
        template=chosen_template(model, facts, settings),
        pooling="LLAMA_POOLING_TYPE_MEAN" if unpooled else None,
        projector=facts.projector.path if facts.projector else None,
    )


def parameters(plan: Plan, settings: EmbeddedSettings) -> Mapping[str, Any]:
    """The engine's parameters, by dotted attribute names of `CommonParams`."""
    chosen: dict[str, Any] = {
        "model.path": str(plan.model.path),
        "n_ctx": plan.context * plan.slots,
        "n_parallel": plan.slots,
        # One cache, of which every slot may use its own share and no more: with `kv_unified` alone a long answer takes
        # its neighbours' room, and both end in "Context size has been exceeded" (measured).
        "kv_unified": True,
        "kv_unified_per_slot": plan.context,
        "cpuparams.n_threads": plan.threads,
        "cpuparams_batch.n_threads": plan.threads,
        # As many tokens at once as are computed at once: a caller who leaves during a long prompt, and neighbours who
        # wait for their next token, then wait for 512 tokens and not for the 2048 of the engine's own choice.
        "n_batch": _STEP_TOKENS,
        "n_ubatch": _STEP_TOKENS,
        "use_jinja": True,
        "ui": False,
        # No comments into a silent stream: they would hide from us that no token comes.
        "sse_ping_interval": 0,
        "endpoint_metrics": True,
        "endpoint_slots": True,
        "cache_ram_mib": settings.cache_ram_mib,
        "verbosity": 1,
    }
    if settings.seed is not None:
        chosen["sampling.seed"] = settings.seed
    if plan.template.text is not None:
        chosen["chat_template"] = plan.template.text
    if settings.gpu_layers is not None:
        chosen["n_gpu_layers"] = settings.gpu_layers
        chosen["fit_params"] = False  # the number was chosen; the engine must not lower it
    if plan.model.kind == "embedding":
        chosen["embedding"] = True
        # An encoder reads a text in one piece, so a micro-batch has to hold the longest.
        chosen["n_batch"] = chosen["n_ubatch"] = max(_STEP_TOKENS, plan.context)
    if plan.projector is not None:
        chosen["mmproj.path"] = str(plan.projector)
        chosen["mmproj_use_gpu"] = settings.gpu_layers != 0
    if plan.pooling is not None:
        chosen["pooling_type"] = plan.pooling
    return chosen
