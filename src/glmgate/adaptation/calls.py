"""Calls of an answer as a whole: which are of functions that may be called, with arguments that can be read.

What is done about a bad one is decided in `checked`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from glmgate.wire.delta import ToolCallDelta
from glmgate.wire.fold import CallFold


def problem_of_calls(calls: Mapping[int, CallFold], names: Collection[str]) -> str | None:
    """What is wrong with the calls, in words for the model; None when nothing is."""
    for call in calls.values():
        if call.name not in names:
            return "a function was called that there is not"
        if not _is_object("".join(call.arguments)):
            return f"the arguments of {call.name} are not a JSON object"
    return None


def whole_calls(calls: Mapping[int, CallFold], *, first: int = 0) -> tuple[ToolCallDelta, ...]:
    """The calls as one piece each, counted from `first`; one without arguments has an empty object, for clients."""
    return tuple(
        ToolCallDelta(
            index=index,
            id=call.id or f"call_{index}",
            name=call.name,
            arguments="".join(call.arguments) or "{}",
            custom=call.custom,
        )
        for index, (_, call) in enumerate(sorted(calls.items()), start=first)
    )


def _is_object(arguments: str) -> bool:
    if not arguments.strip():
        return True
    try:
        return isinstance(msgspec.json.decode(arguments), dict)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
