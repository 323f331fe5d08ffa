"""Rule: thinking. One meaning for `thinking`, `reasoning_effort` and the template's own switch.

That constrained answers do not think is the format rules' matter, with `without_thinking` from here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Note


def thinking(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Turn the callers' words into the template's switch (contract row N12). Where none is said, the model decides."""
    if (request.thinking, request.reasoning_effort, request.chat_template_kwargs) == (None, None, None):
        return Change(request)
    switches, notes = _template_switches(request, profile)
    mode = request.thinking.type if request.thinking is not None else None
    if (effort := request.reasoning_effort) is not None:
        mode = mode or profile.thinking.efforts[effort]
        notes.append(Note("reasoning_effort", f"{effort}->{mode}", exact=(effort, mode) == ("none", "disabled")))
    if mode is not None:
        switches[profile.thinking.switch] = mode == "enabled"
    if request.thinking is not None and request.thinking.clear_thinking is not None:
        switches["clear_thinking"] = request.thinking.clear_thinking
    fitted = msgspec.structs.replace(
        request, thinking=None, reasoning_effort=None, chat_template_kwargs=switches or None
    )
    return Change(fitted, notes=tuple(notes))


def without_thinking(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Switch thinking off: the answer's form is constrained from its first token (engine facts 3, behaviour 5)."""
    switch = profile.thinking.switch
    asked = (request.chat_template_kwargs or {}).get(switch)
    switches = {**(request.chat_template_kwargs or {}), switch: False}
    notes = (Note("thinking", "enabled->disabled", exact=False),) if asked else ()
    return Change(msgspec.structs.replace(request, chat_template_kwargs=switches), notes=notes)


def _template_switches(request: ChatRequest, profile: Profile) -> tuple[dict[str, Any], list[Note]]:
    """What callers may set in the template: a closed set of booleans, so that no text gets past the guard."""
    given = request.chat_template_kwargs or {}
    switches = {}
    notes = []
    for name, value in given.items():
        if value is None:
            continue
        if name not in profile.thinking.template_switches:
            notes.append(Note("chat_template_kwargs", "omitted", exact=False))
        elif isinstance(value, bool):
            switches[name] = value
        else:
            raise InvalidRequest(
                f"'chat_template_kwargs.{name}' must be true or false, not {type(value).__name__}.",
                param=f"chat_template_kwargs.{name}",
            )
    return switches, list(dict.fromkeys(notes))
