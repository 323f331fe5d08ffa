"""Rule: the form of the answer. JSON of any kind is constrained decoding by a schema; such answers do not think.

Where a service is asked instead of constrained, `asked_form` has the emulation.
"""

from __future__ import annotations

from typing import Any

import msgspec

from glmgate.adaptation.asked_form import asked_form
from glmgate.adaptation.change import Change
from glmgate.adaptation.constraint import constrained
from glmgate.adaptation.formed import Formed
from glmgate.adaptation.guard import guard_of
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.schemas import SchemaCheck, without_root_references
from glmgate.errors import MissingParameter
from glmgate.wire.chat import ChatRequest, ResponseFormat
from glmgate.wire.engine import Note

_SCHEMA = "response_format.json_schema.schema"


def formats(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`json_object` is the schema of any object; a schema of the caller's is bounded first (contract rows R1, R2)."""
    form = request.response_format
    if form is None:
        return Change(request)
    if form.type == "text":
        return Change(msgspec.structs.replace(request, response_format=None))
    if profile.formats.by == "prompt":
        return asked_form(request, None if form.type == "json_object" else _given(form), _SCHEMA, profile)
    return _constrained(request, form, profile)


def _constrained(request: ChatRequest, form: ResponseFormat, profile: Profile) -> Change[ChatRequest]:
    """The form as what the engine's decoder is held to."""
    check = SchemaCheck(profile.schemas)
    schema = {"type": "object"} if form.type == "json_object" else _schema(form, check)
    notes = [Note("response_format", "json_object->json_schema")] if form.type == "json_object" else []
    if check.partly:
        notes.append(Note("response_format.json_schema", "partly", exact=False))
    if request.tools:
        names = tuple(tool.function.name for tool in request.tools if tool.function is not None)
        notes.append(Note("response_format", "emulated"))
        guarded = guard_of(profile.guarded).put_in_all(schema)
        free = msgspec.structs.replace(request, response_format=None)
        return Change(free, notes=tuple(notes), undo=Formed(names, guarded, profile))
    change = constrained(request, schema, profile)
    return Change(change.request, notes=(*notes, *change.notes))


def _schema(form: ResponseFormat, check: SchemaCheck) -> dict[str, Any]:
    schema = _given(form)
    check.check(schema, _SCHEMA)
    return without_root_references(schema)


def _given(form: ResponseFormat) -> dict[str, Any]:
    schema = form.json_schema.schema_ if form.json_schema is not None else None
    if schema is None:
        raise MissingParameter(f"{_SCHEMA!r} is missing.", param=_SCHEMA)
    return schema
