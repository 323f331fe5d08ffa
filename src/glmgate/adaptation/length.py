"""Rule: how long an answer may be. Both names of the field mean the same to us, and the smaller holds."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.engine import Note

G = TypeVar("G", ChatRequest, CompletionRequest)


def both_names(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`max_completion_tokens` becomes `max_tokens`; of both, the smaller (contract row N4)."""
    newer = request.max_completion_tokens
    if newer is None:
        return Change(request)
    limit = newer if request.max_tokens is None else min(newer, request.max_tokens)
    fitted = msgspec.structs.replace(request, max_tokens=limit, max_completion_tokens=None)
    return Change(fitted, notes=(Note("max_completion_tokens", "max_tokens"),))


def longest(request: G, profile: Profile) -> Change[G]:
    """Clamp to what the model can give at all (contract row N5). Nothing is lost: the context ends there anyway."""
    most = profile.context_length or profile.longest_answer
    if request.max_tokens is None or request.max_tokens <= most:
        return Change(request)
    notes = (Note("max_tokens", f"{request.max_tokens}->{most}"),)
    return Change(msgspec.structs.replace(request, max_tokens=most), notes=notes)
