"""Rules: members of a request that a service does not have, and those that have a member of another shape there.

Members that no rule knows are the matter of `unknown`.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.unknown import reports
from glmgate.errors import UnsupportedValue
from glmgate.wire.chat import ChatRequest, Tool
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Note

G = TypeVar("G", ChatRequest, CompletionRequest, EmbeddingsRequest)
S = TypeVar("S", ChatRequest, CompletionRequest)

# What means the same as saying nothing, in the documents of both dialects: leaving that out is exact.
_DEFAULTS: Final[dict[str, tuple[object, ...]]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "parallel_tool_calls": (True,),
    "min_p": (0,),
    "top_k": (-1, 0),
    "temperature": (1,),
    "top_p": (1,),
    "do_sample": (True,),
    "tool_stream": (False,),
}
_SEARCH: Final = "web_search_options"
_SIZE: Final = "search_context_size"
_SIZES: Final = {"low": "medium", "medium": "medium", "high": "high"}  # a search's size has two words there


def absent(request: G, profile: Profile) -> Change[G]:
    """Take out what the service does not have, and say so; refuse what the answer would be wrong without (N2, N11)."""
    changes: dict[str, Any] = {}
    unknown = request.unknown
    notes: list[Note] = []
    for name, rule in profile.fields.items():
        value = unknown.get(name) if name in unknown else getattr(request, name, None)
        if value is None or rule == "pass":
            continue
        exact = _is_default(name, value, profile)
        if rule == "refuse" and not exact:
            raise UnsupportedValue(f"{name!r} is set, but this model does not have it. Leave it out.", param=name)
        if name in unknown:
            unknown = _without(unknown, name)
        else:
            changes[name] = None
        notes.append(Note(name, "omitted", exact=exact))
    if not changes and unknown is request.unknown:
        return Change(request)
    return Change(msgspec.structs.replace(request, **changes, unknown=unknown), notes=tuple(notes))


def unstreamed(request: S, profile: Profile) -> Change[S]:
    """`stream_options` beside an answer that comes whole are refused by services: what nobody reads there is told."""
    options = request.stream_options
    if options is None or request.stream:
        return Change(request)
    notes = reports(options.unknown, "stream_options", profile)
    return Change(msgspec.structs.replace(request, stream_options=None), notes=notes)


def beside_functions(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """The older `functions` have a choice of their own, and one call at a time (contract row C7): newer words go."""
    if request.functions is None or (request.tool_choice is None and request.parallel_tool_calls is None):
        return Change(request)
    notes = []
    if request.tool_choice is not None:
        notes.append(Note("tool_choice", "omitted", exact=False))
    if request.parallel_tool_calls:
        notes.append(Note("parallel_tool_calls", "true->false", exact=False))
    return Change(msgspec.structs.replace(request, tool_choice=None, parallel_tool_calls=None), notes=tuple(notes))


def searching(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`web_search_options` as the tool that searches there (contract row N11)."""
    options = request.unknown.get(_SEARCH)
    if options is None or not profile.tools.searching or not isinstance(options, dict):
        return Change(request)
    search, rest = dict(profile.tools.searching), options
    size = options.get(_SIZE)
    if isinstance(size, str) and size in _SIZES:
        search["content_size"] = _SIZES[size]
        rest = _without(options, _SIZE)
    unknown = _without(request.unknown, _SEARCH)
    tool = Tool(type="web_search", unknown={"web_search": search})
    notes = (Note(_SEARCH, "web_search", exact=False), *reports(rest, _SEARCH, profile))
    fitted = msgspec.structs.replace(request, tools=[*(request.tools or ()), tool], unknown=unknown)
    return Change(fitted, notes=notes)


def pieces_of_calls(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Calls arrive in pieces where that must be asked for (contract row C10); where it need not be, the word goes."""
    if not profile.tools.stream_member:
        if request.tool_stream is None:
            return Change(request)
        return Change(msgspec.structs.replace(request, tool_stream=None), notes=(Note("tool_stream", "omitted"),))
    if not request.stream or not request.tools or request.tool_stream is not None:
        return Change(request)
    return Change(msgspec.structs.replace(request, tool_stream=True), notes=(Note("tool_stream", "added"),))


def _without(members: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: item for other, item in members.items() if other != name}


def _is_default(name: str, value: object, profile: Profile) -> bool:
    if value is None or value in _DEFAULTS.get(name, ()):
        return True
    without_effect = profile.inert.get(name)
    return without_effect is not None and (not without_effect or value in without_effect)
