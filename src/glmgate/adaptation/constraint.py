"""What goes with a constrained answer: its form, no thinking, and none of the tokens that structure free answers.

Which answers are constrained is decided by the rules that use this.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.thinking import without_thinking
from glmgate.wire.chat import ChatRequest, JsonSchema, ResponseFormat

_NEVER: Final = -100.0


def constrained(request: ChatRequest, schema: dict[str, Any], profile: Profile) -> Change[ChatRequest]:
    """`request` with its answer constrained to JSON that follows `schema`.

    Inside a string the grammar lets any token through, so a model that would rather call or think writes the marks of
    that there, and goes on to the limit (measured). Banned, its text can still spell them.
    """
    form = ResponseFormat(type="json_schema", json_schema=JsonSchema(schema_=schema))
    biases = {str(token): _NEVER for token in profile.markup} | (request.logit_bias or {})
    return without_thinking(msgspec.structs.replace(request, response_format=form, logit_bias=biases or None), profile)
