"""The emulation of a forced call: the model's own call where it makes one, else a second one that cannot but be a call.

The engine's `required` lets free text come first, and as much of it as it likes (engine facts 3, behaviour 2).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from typing_extensions import override

from glmgate.adaptation.call_writer import CallWriter
from glmgate.adaptation.nudge import nudged
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.second_call import SecondCall
from glmgate.adaptation.trees import Json
from glmgate.wire.chat import ChatRequest, FunctionDefinition
from glmgate.wire.delta import Delta
from glmgate.wire.members import write

_ID_DIGITS: Final = 24
_BOUNDS_OF_TEXT: Final = ("enum", "const", "pattern", "format", "minLength", "maxLength")
_BOUNDS_OF_ANY: Final = ("$ref", "anyOf", "oneOf", "allOf", "not", "if")


class Forced(SecondCall):
    """Makes sure that one of the functions `names` is called.

    Where the model's own form does not hold what is asked of the arguments (`holds`), only its reasoning is kept.
    """

    __slots__ = ("_is_native", "_writer")

    def __init__(self, names: tuple[str, ...], profile: Profile, *, is_native: bool = True) -> None:
        super().__init__(names, profile)
        self._is_native = is_native
        self._writer = CallWriter(None, call_id="")

    @override
    def second_request(self, request: ChatRequest) -> ChatRequest:
        functions = [tool.function for tool in request.tools or () if tool.function is not None]
        # The same call has the same id; nothing here is random, and no conversation has the same request twice.
        digest = hashlib.sha256(write(request)).hexdigest()[:_ID_DIGITS]
        self._writer = CallWriter(self._names[0] if len(functions) == 1 else None, call_id=f"call_{digest}")
        instruction = self._profile.tools.instruction.format(names=", ".join(self._names))
        messages = nudged(request.messages, instruction)
        return self.constrained(msgspec.structs.replace(request, messages=messages), schema_of_call(functions))

    @override
    def second(self, delta: Delta) -> Delta:
        pieces = self._writer.feed(delta.content) if delta.content else ()
        reason = delta.finish_reason
        if reason is not None:
            self._writer.close(truncated=reason == "length")
            reason = "tool_calls" if reason == "stop" else reason
        return msgspec.structs.replace(delta, content=None, logprobs=None, tool_calls=pieces, finish_reason=reason)

    @override
    def _calls(self, delta: Delta) -> bool:
        return self._is_native and super()._calls(delta)


def holds(function: FunctionDefinition) -> bool:
    """Whether the model's own form of a call keeps to the function's parameters.

    In GLM's form an argument of type string stands bare between its marks, so the engine's grammar holds its end and
    nothing else: an `enum` of strings is not kept (measured). All other arguments are JSON, and held.
    """
    properties = (function.parameters or {}).get("properties")
    return not isinstance(properties, dict) or not any(_bounds_text(schema) for schema in properties.values())


def _bounds_text(schema: Json) -> bool:
    if not isinstance(schema, dict):
        return False
    kinds = schema.get("type", "string")
    is_text = "string" in ([kinds] if isinstance(kinds, str) else kinds)
    return any(word in schema for word in _BOUNDS_OF_ANY) or (
        is_text and any(word in schema for word in _BOUNDS_OF_TEXT)
    )


def schema_of_call(functions: list[FunctionDefinition]) -> dict[str, Any]:
    """One function: its arguments. Several: an object with the name first, so that the arguments can be streamed."""
    forms = [(function.name, function.parameters or {"type": "object"}) for function in functions]
    if len(forms) == 1:
        return forms[0][1]
    branches = []
    definitions: dict[str, Any] = {}
    for place, (name, parameters) in enumerate(forms):
        arguments = _moved(parameters, f"#/$defs/f{place}")
        if arguments != parameters:
            definitions[f"f{place}"] = arguments
        branches.append(
            {
                "type": "object",
                "properties": {"name": {"const": name}, "arguments": arguments},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    return {"anyOf": branches, "$defs": definitions} if definitions else {"anyOf": branches}


def _moved(schema: Json, root: str) -> Json:
    """`schema` with its references to its own root pointing to where that root is now."""
    if isinstance(schema, list):
        return [_moved(item, root) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: root + item[1:] if key == "$ref" and isinstance(item, str) else _moved(item, root)
        for key, item in schema.items()
    }
