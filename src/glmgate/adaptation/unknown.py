"""Rule: members that no rule knows, at every level. An open profile passes them, a closed one keeps them out, reported.

Also the members that were read before the request came here (`stream`, `user` …) end here. Members that are known and
that a service does not have are the matter of `fields`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.wire.chat import (
    ChatRequest,
    FunctionCall,
    FunctionDefinition,
    FunctionName,
    GlmgateOptions,
    ImageUrl,
    JsonSchema,
    Message,
    Part,
    ResponseFormat,
    StreamOptions,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
)
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Note
from glmgate.wire.members import Members
from glmgate.wire.tokenizer import TokenizerRequest

R = TypeVar("R", bound=Members)

# Which members of each type hold objects with members of their own. A test holds this to the types.
CHILDREN: Final[dict[type[Members], tuple[str, ...]]] = {
    ChatRequest: (
        "messages",
        "stream_options",
        "thinking",
        "tools",
        "tool_choice",
        "response_format",
        "functions",
        "function_call",
        "glmgate",
    ),
    Message: ("content", "tool_calls", "function_call"),
    Part: ("image_url",),
    ToolCall: ("function",),
    Tool: ("function",),
    ToolChoice: ("function",),
    ResponseFormat: ("json_schema",),
    CompletionRequest: ("stream_options", "glmgate"),
    EmbeddingsRequest: ("glmgate",),
    TokenizerRequest: ("messages", "tools", "tool_choice", "thinking", "response_format"),
    ImageUrl: (),
    FunctionCall: (),
    FunctionDefinition: (),
    FunctionName: (),
    JsonSchema: (),
    Thinking: (),
    StreamOptions: (),
    GlmgateOptions: (),
}

# Who the caller's user is changes nothing in an answer of a model of our own.
_READ_BY_NOBODY: Final = ("user", "user_id")

_TAKEN_APART: Final = ("tool_choice", "response_format", "function_call")

_PLAIN_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_LONGEST_PATH: Final = 64
_MOST_NOTES: Final = 32  # a report is read by people; what is beyond is told in one note


def unknown(request: R, profile: Profile) -> Change[R]:
    """Keep unknown members out, at every level; null ones are absent (contract 0.6)."""
    if profile.open:
        return Change(_without_nulls(request))
    walk = _Walk(profile)
    kept = walk.strip(request, "")
    return Change(kept, notes=tuple(walk.notes))


def _without_nulls(request: R) -> R:
    """Official clients send nulls at the top; a service may refuse what it does not know even then (contract 0.6)."""
    if None not in request.unknown.values():
        return request
    return msgspec.structs.replace(
        request, unknown={name: value for name, value in request.unknown.items() if value is not None}
    )


def consumed(request: R, profile: Profile) -> Change[R]:
    """Take out what was read on the way here; what nobody read is reported."""
    present: dict[str, Any] = {}
    notes: list[Note] = []
    for name in profile.consumed:
        if (value := getattr(request, name, None)) is not None:
            present[name] = None
            if name in _READ_BY_NOBODY:
                notes.append(Note(name, "omitted"))
            if isinstance(value, Members) and value.unknown:
                notes.extend(reports(value.unknown, name, profile))
    return Change(msgspec.structs.replace(request, **present) if present else request, notes=tuple(notes))


def reports(members: dict[str, Any], path: str, profile: Profile) -> tuple[Note, ...]:
    """What is to be told of unknown members below `path` that cannot be sent."""
    if not members:
        return ()
    walk = _Walk(profile)
    walk.report(members, path)
    return tuple(walk.notes)


def lost(before: ChatRequest, after: ChatRequest, profile: Profile) -> tuple[Note, ...]:
    """What is to be told of unknown members inside of objects that the rules took apart, at services that are open."""
    notes: list[Note] = []
    for name in _TAKEN_APART:
        value, left = getattr(before, name), getattr(after, name)
        if value is not None and value is not left:
            kept = _below(left, name, profile)
            notes.extend(note for note in _below(value, name, profile) if note not in kept)
    for name in ("tools", "functions"):
        offered = getattr(before, name) or ()
        if len(offered) > len(after.tools or ()):
            notes.extend(_below_each(offered, name, profile))
    return tuple(dict.fromkeys(notes))


def _below_each(values: Sequence[Members], path: str, profile: Profile) -> list[Note]:
    return [note for value in values for note in _below(value, path, profile)]


def _below(value: object, path: str, profile: Profile) -> tuple[Note, ...]:
    if not isinstance(value, Members) or _of_another_kind(value):
        return ()
    walk = _Walk(profile)
    walk.strip(value, path)
    return tuple(walk.notes)


@dataclass(slots=True)
class _Walk:
    profile: Profile
    notes: dict[Note, None] = field(default_factory=dict)

    def strip(self, value: R, path: str) -> R:
        """`value` without unknown members; the same object when there were none."""
        changes: dict[str, Any] = {}
        if value.unknown:
            changes["unknown"] = {}
            self.report(value.unknown, path)
        for name in CHILDREN[type(value)]:
            child = getattr(value, name)
            if child is None or isinstance(child, str):
                continue
            place = f"{path}.{name}" if path else name
            stripped = self._all(child, place) if isinstance(child, list) else self._one(child, place)
            if stripped is not child:
                changes[name] = stripped
        return msgspec.structs.replace(value, **changes) if changes else value

    def _all(self, values: list[Members], path: str) -> list[Members]:
        # Looked at first, because most objects in a list have nothing to walk into.
        if all(map(_is_bare, values)):
            return values
        stripped = [self._one(value, path) for value in values]
        changed = any(after is not before for after, before in zip(stripped, values, strict=True))
        return stripped if changed else values

    def _one(self, value: Members, path: str) -> Members:
        return value if _of_another_kind(value) else self.strip(value, path)

    def report(self, members: dict[str, Any], path: str) -> None:
        """Note each of `members`, unless it is null."""
        for name, value in members.items():
            if value is not None:
                self._note(name if not path else f"{path}.{name}", value)

    def _note(self, path: str, value: object) -> None:
        plain = len(path) <= _LONGEST_PATH and _PLAIN_PATH.fullmatch(path)
        if not plain or len(self.notes) >= _MOST_NOTES:
            self.notes[Note("unknown", "omitted", exact=False)] = None
            return
        without_effect = self.profile.inert.get(path)
        exact = without_effect is not None and (not without_effect or value in without_effect)
        self.notes[Note(path, "omitted", exact=exact)] = None


def _is_bare(value: Members) -> bool:
    """True for messages, calls and tools in which no member is unknown, as far as one look tells."""
    if value.unknown:
        return False
    if isinstance(value, Message):
        calls = value.tool_calls
        return (
            value.function_call is None
            and not isinstance(value.content, list)
            and (calls is None or all(map(_is_bare, calls)))
        )
    if isinstance(value, ToolCall | Tool):
        return value.function is None or not value.function.unknown
    return False


def _of_another_kind(value: Members) -> bool:
    """True for objects whose unknown members belong to their kind; the rules of their theme decide about them."""
    if isinstance(value, Tool | ToolChoice | ToolCall):
        return value.type is not None and value.type != "function"
    return isinstance(value, Part) and value.type != "text"
