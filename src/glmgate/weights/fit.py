"""How much memory a model needs, and which context fits. Arithmetic over facts; reads nothing.

Measured against real children (tests): weights in full, the cache of keys and values for every slot, and a fixed part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from glmgate.weights.gguf import GgufFacts

# Resident size of a child beside weights and cache (engine facts 3: about 100 MB), rounded up.
FIXED_BYTES: Final = 128 * 1024**2
# Keys and values are kept in half precision.
_KV_BYTES: Final = 2
# The largest buffer of a step: the scores of all tokens for each token of a micro-batch of 512, in single precision.
_STEP_TOKENS: Final = 512
_SCORE_BYTES: Final = 4

# Where nothing is set, a context beyond this is not made: a prompt of that length takes minutes on a CPU.
DEFAULT_CONTEXT: Final = 32_768
SMALLEST_CONTEXT: Final = 2_048


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a model needs while it is loaded."""

    weights: int
    cache: int
    fixed: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.fixed


def need(facts: GgufFacts, *, context: int, slots: int) -> MemoryNeed:
    """What the model needs when each of `slots` requests may have `context` tokens."""
    per_token = sum(facts.kv_heads) * (facts.key_length + facts.value_length) * _KV_BYTES
    step = facts.vocabulary * _STEP_TOKENS * _SCORE_BYTES
    projector = facts.projector.bytes if facts.projector else 0
    return MemoryNeed(weights=facts.file_bytes + projector, cache=per_token * context * slots, fixed=FIXED_BYTES + step)


def fitting_context(facts: GgufFacts, *, slots: int, budget_bytes: int) -> int:
    """The context to use where none is set: the model's own, bounded, halved until it fits; never below the smallest.

    The smallest may still not fit; who starts the model compares `need` with the budget.
    """
    context = min(facts.context_length, DEFAULT_CONTEXT)
    while context // 2 >= SMALLEST_CONTEXT and need(facts, context=context, slots=slots).total > budget_bytes:
        context //= 2
    return context
