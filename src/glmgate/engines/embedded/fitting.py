"""What a file can be run as on this machine: which kind of model it is, and what to change where it is too large.

Arithmetic over a file's facts and the settings; nothing is read or started.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import context_of
from glmgate.weights.catalogue import entries
from glmgate.weights.fit import FIXED_BYTES, need
from glmgate.weights.gguf import GgufFacts

_ENCODERS: Final = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "modern-bert", "gemma-embedding"})
# A context below this answers nothing of use; ones between are told in steps, as people write them.
_LEAST_CONTEXT: Final = 512
_CONTEXT_STEP: Final = 256


def kind_of(facts: GgufFacts) -> Literal["chat", "embedding"]:
    """An encoder, or what says how its vectors are pooled, embeds; everything else chats."""
    return "embedding" if facts.architecture in _ENCODERS or facts.pooling > 0 else "chat"


def advice(name: str, facts: GgufFacts, settings: EmbeddedSettings, *, budget_bytes: int) -> str | None:
    """Why the model does not fit the memory, with the nearest choices that do; None when it fits."""
    context = context_of(facts, settings, budget_bytes=budget_bytes)
    wanted = need(facts, context=context, slots=settings.parallel)
    if wanted.total <= budget_bytes:
        return None
    choices = [
        choice for choice in (_context(facts, settings, budget_bytes), _slots(facts, settings, budget_bytes)) if choice
    ]
    if smaller := smaller_file(facts.file_bytes, facts.architecture, budget_bytes=budget_bytes):
        choices.append(f"`glmgate pull {smaller}`")
    fits = f"What fits: {', or '.join(choices)}." if choices else "No smaller file of it is known here."
    return (
        f"The model {name!r} needs {_gb(wanted.total)} of memory ({_gb(wanted.weights)} for its weights, "
        f"{_gb(wanted.cache)} for {context} tokens of each of {settings.parallel} requests), but models may use "
        f"{_gb(budget_bytes)} here. {fits}"
    )


def smaller_file(size: int, architecture: str, *, budget_bytes: int) -> str | None:
    """The largest model of the catalogue that fits and is smaller than `size` bytes, of the same family first."""
    fitting = [entry for entry in entries() if entry.all_bytes < size and entry.all_bytes + FIXED_BYTES <= budget_bytes]
    best = max(fitting, key=lambda entry: (entry.architecture == architecture, entry.all_bytes), default=None)
    return best.name if best else None


def _context(facts: GgufFacts, settings: EmbeddedSettings, budget: int) -> str | None:
    none, one = (need(facts, context=tokens, slots=settings.parallel).total for tokens in (0, 1))
    if one == none:
        return None
    tokens = (budget - none) // (one - none) // _CONTEXT_STEP * _CONTEXT_STEP
    return f"`--ctx {tokens}`" if tokens >= _LEAST_CONTEXT else None


def _slots(facts: GgufFacts, settings: EmbeddedSettings, budget: int) -> str | None:
    for slots in range(settings.parallel - 1, 0, -1):
        context = context_of(facts, dataclasses.replace(settings, parallel=slots), budget_bytes=budget)
        if need(facts, context=context, slots=slots).total <= budget:
            return f"`--parallel {slots}`"
    return None


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"
