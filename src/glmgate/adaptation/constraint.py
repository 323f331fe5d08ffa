"""What goes with a constrained answer: its form, no thinking, and none of the tokens that structure free answers.

Which answers are constrained is decided by the rules that use this.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.thinking import without_thinking
from glmgate.wire.chat import ChatRequest, JsonSchema, ResponseFormat
from glmgate.wire.completions import CompletionRequest

_NEVER: Final = -100.0

R = TypeVar("R", ChatRequest, CompletionRequest)


def constrained(request: ChatRequest, schema: dict[str, Any], profile: Profile) -> Change[ChatRequest]:
    """`request` with its answer constrained to JSON that follows `schema`.

    Inside a string the grammar lets any token through, so a model that would rather call or think writes the marks of
    that there, and goes on to the limit (measured). Banned, its text can still spell them.
    """
    form = ResponseFormat(type="json_schema", json_schema=JsonSchema(schema_=schema))
    form_only = msgspec.structs.replace(without_marks(request, profile), response_format=form)
    return without_thinking(form_only, profile)


def without_marks(request: R, profile: Profile) -> R:
    """`request` for an answer in which no mark can stand; a bias of the caller's for one of them wins."""
    if not profile.markup:
        return request
    biases = {str(token): _NEVER for token in profile.markup} | (request.logit_bias or {})
    return msgspec.structs.replace(request, logit_bias=biases)
