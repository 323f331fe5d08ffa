"""The emulation of a response format at services that are asked, not constrained: words, a look, words again.

How an answer is looked at is in `checked`, how it is held to a schema in `judge`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.checked import Checked, Goal
from glmgate.adaptation.demanded import names_of
from glmgate.adaptation.judge import Judge, judge_of
from glmgate.adaptation.nudge import told
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.schemas import SchemaCheck
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest, ResponseFormat
from glmgate.wire.engine import Note

_ANY_JSON: Final[dict[str, Any]] = {}
_ANY_OBJECT: Final[dict[str, Any]] = {"type": "object"}


def asked_form(request: ChatRequest, schema: dict[str, Any] | None, path: str, profile: Profile) -> Change[ChatRequest]:
    """JSON that follows `schema`, or any object without one (contract rows R1, R2).

    A form that the service has is sent, else the schema is told to the model, with the service's own `json_object`
    beside it. The answer is looked at in any case: with thinking on, some end without any ("distributed facts 2").
    """
    native = profile.formats.native if profile.formats.with_tools or not request.tools else ()
    wanted = "json_object" if schema is None else "json_schema"
    # Who takes schemas holds its decoder to them, and to objects; who takes objects only has been seen to forget it.
    is_trusted = "json_schema" in native
    judge = _judge(schema, path, profile, is_trusted=is_trusted)
    goal = Goal(
        field="response_format",
        names=names_of(request.tools or []),
        judge=judge,
        again=profile.formats.repair,
        repairs=profile.formats.repairs,
        trusted=is_trusted,
    )
    undo = Checked(goal, profile)
    if wanted in native:
        return Change(request, undo=undo)
    form = _form_beside_words(request, schema, profile)
    messages = told(request.messages, profile.formats.instruction.replace("{schema}", _words(request, schema)))
    fitted = msgspec.structs.replace(request, response_format=form, messages=messages)
    return Change(fitted, notes=(Note("response_format", "emulated"),), undo=undo)


def _words(request: ChatRequest, schema: dict[str, Any] | None) -> str:
    """The schema as the model is told it, with the name and the description that stood beside it."""
    if schema is None:
        return msgspec.json.encode(_ANY_OBJECT).decode()
    named = request.response_format.json_schema if request.response_format is not None else None
    beside = {"title": named.name, "description": named.description} if named is not None else {}
    said = {word: value for word, value in beside.items() if value}
    return msgspec.json.encode(said | schema).decode()


def _form_beside_words(request: ChatRequest, schema: dict[str, Any] | None, profile: Profile) -> ResponseFormat | None:
    """The service's `json_object`, where the schema allows objects only; not beside tools, whose calls it ends."""
    if request.tools or "json_object" not in profile.formats.native or (schema or {}).get("type") != "object":
        return None
    return ResponseFormat(type="json_object")


def _judge(schema: dict[str, Any] | None, path: str, profile: Profile, *, is_trusted: bool) -> Judge:
    if schema is None:
        return judge_of(_ANY_OBJECT, path)
    try:
        SchemaCheck(profile.schemas, grammar=False).check(schema, path)
        return judge_of(schema, path)
    except InvalidRequest:
        if not is_trusted:
            raise
    # The service takes more schemas than we do; then it is left to it, and only looked at for being JSON.
    return judge_of(_ANY_JSON, path)
