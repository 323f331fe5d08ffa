"""Rule: tools. Functions are offered to the model in one regular form, other types where the service has them.

Which of them must or must not be called is decided in `tool_choice`.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.schemas import SchemaCheck, without_root_references
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.chat import ChatRequest, FunctionDefinition, Tool
from glmgate.wire.engine import Note

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)  # both dialects document this form


def tools(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Functions are offered, and types that the service has; none at all is the same as no tools (rows C4, C6)."""
    if request.tools is None:
        return Change(request)
    _check_number(request.tools, profile)
    offered: list[Tool] = []
    names: set[str] = set()
    notes: dict[Note, None] = {}
    schemas = SchemaCheck(profile.schemas) if profile.tools.checked else None
    for place, tool in enumerate(request.tools):
        if (note := _note(tool, profile)) is not None:
            notes[note] = None
        if tool.type == "function":
            offered.append(_offered(tool, place, schemas, profile, names))
        elif tool.type in profile.tools.native_types:
            offered.append(tool)
    if schemas is not None and schemas.partly:
        notes[Note("tools.function.parameters", "partly", exact=False)] = None
    return Change(msgspec.structs.replace(request, tools=offered or None), notes=tuple(notes))


def _check_number(tools: list[Tool], profile: Profile) -> None:
    if len(tools) > profile.tools.most:
        raise InvalidRequest(f"There are {len(tools)} tools, at most {profile.tools.most} are accepted.", param="tools")


def _note(tool: Tool, profile: Profile) -> Note | None:
    """What is to be told of a tool: that it is not offered, or that its promise is not kept to the letter."""
    if tool.type in profile.tools.native_types:
        return None
    if tool.type != "function":
        kind = tool.type if tool.type in profile.tools.known_types else "other"
        return Note(f"tools.{kind}", "omitted", exact=False)
    if tool.function is not None and tool.function.strict and not profile.tools.strict:
        # Names, keys and types are forced by the engine's grammar; an `enum` of strings is not (measured).
        return Note("tools.function.strict", "partly", exact=False)
    return None


def regular(
    definition: FunctionDefinition, path: str, schemas: SchemaCheck | None, *, strict: bool = False
) -> FunctionDefinition:
    """A function with all that templates read; its schema is held to `schemas` unless that is None.

    `strict`: the member of that name stays. Raises InvalidRequest with the place below `path`.
    """
    if not _NAME.fullmatch(definition.name):
        raise InvalidRequest(
            f"'{path}.name' is {definition.name[:80]!r}, but must have 1 to 64 letters, digits, '_' or '-'.",
            param=f"{path}.name",
        )
    parameters = _parameters(definition.parameters, f"{path}.parameters", schemas)
    kept = definition.strict if strict else None
    # Looked at first: most functions are as they should be, and a struct costs more than the look.
    if parameters is definition.parameters and definition.description is not None and kept is definition.strict:
        return definition
    return FunctionDefinition(
        name=definition.name,
        description=definition.description or "",
        parameters=parameters,
        strict=kept,
        unknown=definition.unknown,
    )


def _offered(tool: Tool, place: int, schemas: SchemaCheck | None, profile: Profile, names: set[str]) -> Tool:
    """A function as it is offered; `names` has those of the functions before it."""
    function = _function(tool, place, schemas, profile)
    if function.name in names:
        raise InvalidRequest(
            f"Two tools have the name {function.name!r}. Give each its own.", param=f"tools[{place}].function.name"
        )
    names.add(function.name)
    return tool if function is tool.function else Tool(type="function", function=function, unknown=tool.unknown)


def _function(tool: Tool, place: int, schemas: SchemaCheck | None, profile: Profile) -> FunctionDefinition:
    path = f"tools[{place}].function"
    if tool.function is None:
        raise MissingParameter(f"{path!r} is missing.", param=path)
    return regular(tool.function, path, schemas, strict=profile.tools.strict)


def _parameters(parameters: dict[str, Any] | None, path: str, schemas: SchemaCheck | None) -> dict[str, Any]:
    if not parameters:
        return {"type": "object", "properties": {}}
    if schemas is not None:
        schemas.check(parameters, path)
    kind = parameters.get("type")
    if kind != "object":
        if kind is not None or "type" in parameters:
            raise InvalidRequest(f"'{path}.type' must be 'object', because arguments have names.", param=f"{path}.type")
        parameters = {"type": "object", **parameters}
    return parameters if schemas is None else without_root_references(parameters)
