"""Rules: thinking. One meaning for `thinking`, `reasoning_effort` and the template's switch, in the service's words.

That answers of a given form do not think is the format rules' matter, with `without_thinking` from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.unknown import reports
from glmgate.errors import InvalidRequest
from glmgate.wire.chat import ChatRequest, ReasoningEffort, Thinking
from glmgate.wire.engine import Note

_CLEAR: Final = "clear_thinking"
_SWITCHED: Final = ("enabled", "disabled")
_ANY: Final = "*"
_OFF: Final = Note("thinking", "enabled->disabled", exact=False)


def thinking(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Say the callers' words as the service does (contract row N12). Where none is said, the model decides.

    But where it would think, and the answer's limit is so small that nothing would be left for the answer, it does not
    (contract row N13). The limit itself is never touched.
    """
    said = (request.thinking, request.reasoning_effort, request.chat_template_kwargs) != (None, None, None)
    least = profile.thinking.least_tokens
    is_short = least > 0 and request.max_tokens is not None and request.max_tokens < least
    if not said and not is_short:
        return Change(request)
    words = _Words()
    if said:
        _read(request, profile, words)
    if is_short and words.mode is None and words.effort is None:
        _turn_off(words, profile, "enabled")
    return Change(_write(request, profile, words), notes=tuple(dict.fromkeys(words.notes)))


def without_thinking(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Switch thinking off in a request that was fitted: the form of its answer holds from the first token on.

    For engine facts 3, behaviour 5, and for the calls that repair an answer.
    """
    if profile.thinking.member == "chat_template_kwargs":
        switch = profile.thinking.switch
        asked = (request.chat_template_kwargs or {}).get(switch)
        switches = {**(request.chat_template_kwargs or {}), switch: False}
        fitted = msgspec.structs.replace(request, chat_template_kwargs=switches)
        return Change(fitted, notes=(_OFF,) if asked else ())
    asked = (request.thinking and request.thinking.type == "enabled") or request.reasoning_effort
    clear = request.thinking.clear_thinking if request.thinking is not None else None
    words = _Words(clear=clear, switches=request.chat_template_kwargs or {})
    _turn_off(words, profile, "enabled")
    fitted = msgspec.structs.replace(request, thinking=None, reasoning_effort=None)
    return Change(_write(fitted, profile, words), notes=(_OFF,) if asked else ())


@dataclass(slots=True)
class _Words:
    """What is to be said: the switch, the effort, whether old thoughts go, the template's switches."""

    mode: str | None = None
    effort: str | None = None
    clear: bool | None = None
    switches: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def _read(request: ChatRequest, profile: Profile, words: _Words) -> None:
    """The callers' words: `thinking` wins over the effort, and that over the template's own switch."""
    _read_template(request.chat_template_kwargs or {}, profile, words)
    below = words.mode
    given = request.thinking or Thinking()
    words.unknown = given.unknown
    words.mode = given.type or words.mode
    if given.clear_thinking is not None:
        words.clear = given.clear_thinking
    if request.reasoning_effort is not None:
        _read_effort(request.reasoning_effort, given.type, profile, words)
    if below is not None and words.mode != below:
        words.notes.append(Note("chat_template_kwargs", "omitted", exact=False))
    if words.mode == "disabled" and not profile.thinking.can_disable:
        _turn_off(words, profile, "disabled")


def _read_template(given: dict[str, Any], profile: Profile, words: _Words) -> None:
    """What a caller sets in the template; unless all may be set, booleans of a closed set, so that no text gets in."""
    own = profile.thinking
    is_open = _ANY in own.template_switches
    for name, value in given.items():
        if value is None:
            continue
        if is_open and own.member != "chat_template_kwargs":
            words.switches[name] = value  # read by the service's template, and by none of our rules
        elif is_open or name in own.template_switches:
            _read_switch(name, value, profile, words)
        else:
            words.notes.append(Note("chat_template_kwargs", "omitted", exact=False))


def _read_switch(name: str, value: object, profile: Profile, words: _Words) -> None:
    if not isinstance(value, bool) and _ANY not in profile.thinking.template_switches:
        raise InvalidRequest(
            f"'chat_template_kwargs.{name}' must be true or false, not {type(value).__name__}.",
            param=f"chat_template_kwargs.{name}",
        )
    if isinstance(value, bool) and name == profile.thinking.switch:
        words.mode = _SWITCHED[not value]
    elif isinstance(value, bool) and name == _CLEAR:
        words.clear = value
    else:
        words.switches[name] = value


def _read_effort(effort: ReasoningEffort, mode: str | None, profile: Profile, words: _Words) -> None:
    """An effort as the service's word for it, or as the switch that it comes down to; `mode` is what stands beside."""
    word = profile.thinking.efforts[effort]
    is_off = word == "disabled" or effort in ("none", "minimal")
    if mode is not None and (word in _SWITCHED or is_off or mode == "disabled"):
        after = mode
    elif word in _SWITCHED:
        after = words.mode = word
    else:
        words.mode = mode
        after = words.effort = word
    if after != effort:
        words.notes.append(
            Note("reasoning_effort", f"{effort}->{after}", exact=(effort, after) == ("none", "disabled"))
        )


def _turn_off(words: _Words, profile: Profile, before: str) -> None:
    """Thinking off, or as little of it as there can be; said by the effort where that has a word for it."""
    word = profile.thinking.efforts["none"]
    words.mode = None
    after = "disabled" if profile.thinking.can_disable else "enabled"
    if word not in _SWITCHED:
        words.effort = word
        after = after if profile.thinking.can_disable else word
    elif profile.thinking.can_disable:
        words.mode = "disabled"
    if after != before:
        words.notes.append(Note("thinking", f"{before}->{after}", exact=False))


def _write(request: ChatRequest, profile: Profile, words: _Words) -> ChatRequest:
    """`request` with the words in the members that the service has; what it has no member for is reported."""
    switches, thinking_member = words.switches, None
    effort: Any = words.effort
    match profile.thinking.member:
        case "chat_template_kwargs":
            if words.mode is not None:
                switches = {**switches, profile.thinking.switch: words.mode == "enabled"}
            if words.clear is not None:
                switches = {**switches, _CLEAR: words.clear}
            words.notes.extend(reports(words.unknown, "thinking", profile))
        case "thinking":
            thinking_member = _member(words, profile)
        case "reasoning_effort":
            effort = _as_effort(words, profile)
            _leave_out_clear(words)
            words.notes.extend(reports(words.unknown, "thinking", profile))
        case "none":
            effort = None
            if words.effort is not None:
                words.notes.append(Note("reasoning_effort", "omitted", exact=False))
            if words.mode is not None:
                words.notes.append(Note("thinking", "omitted", exact=words.mode == "disabled"))
            _leave_out_clear(words)
            words.notes.extend(reports(words.unknown, "thinking", profile))
    return msgspec.structs.replace(
        request, thinking=thinking_member, reasoning_effort=effort, chat_template_kwargs=switches or None
    )


def _member(words: _Words, profile: Profile) -> Thinking | None:
    if words.clear is not None and not profile.thinking.preserved:
        _leave_out_clear(words)
    if words.mode is None and words.clear is None and not words.unknown:
        return None
    mode: Any = words.mode
    return Thinking(type=mode, clear_thinking=words.clear, unknown=words.unknown)


def _as_effort(words: _Words, profile: Profile) -> str | None:
    """The switch as an effort: off has its word; on is what happens anyway."""
    if words.mode == "disabled" and words.effort is None:
        word = profile.thinking.efforts["none"]
        words.notes.append(Note("thinking", f"disabled->{word}"))
        return word
    if words.mode == "enabled":
        words.notes.append(Note("thinking", "omitted", exact=words.effort is not None))
    return words.effort


def _leave_out_clear(words: _Words) -> None:
    if words.clear is not None:
        words.notes.append(Note("thinking.clear_thinking", "omitted", exact=False))
        words.clear = None
