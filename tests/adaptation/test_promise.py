"""The promise: what a caller sets is seen by the service, has its effect through an emulation, is told, or is refused.

For every member of the three requests, for members that nobody knows at every level, for every shipped profile and the
families that it tells apart. What is set has a mark of its own, so that it is found wherever it went.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmgate.adaptation.fit import Fitted, fit, fit_embeddings
from glmgate.adaptation.profile import Profile
from glmgate.errors import RequestRefused
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Generation, Note
from glmgate.wire.members import Members, convert, plain
from tests.adaptation.services import every_profile

Body = dict[str, Any]
PROFILES: Final = dict(every_profile())

PARAMETERS: Final = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION: Final = {"name": "weather", "description": "mark-description", "parameters": PARAMETERS}
TOOL: Final = {"type": "function", "function": FUNCTION}
STRICT: Final = {"type": "function", "function": {"name": "time", "strict": True}}
NAMED: Final = {"type": "function", "function": {"name": "weather"}}
ALLOWED: Final = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}
SCHEMA: Final = {"type": "json_schema", "json_schema": {"name": "mark", "schema": PARAMETERS, "strict": True}}
PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"

# Every member of a request but the model, with values that are right in one of the dialects. A test holds this to the
# types, so a new member cannot be forgotten.
SAMPLING: Final[dict[str, list[Any]]] = {
    "stream": [True, False],
    "stream_options": [{"include_usage": True}],
    "temperature": [0, 0.3, 1, 1.7, 2],
    "top_p": [0, 0.5, 1],
    "max_tokens": [16, 600, 200_000],
    "stop": ["mark", ["one", "two", "three"]],
    "seed": [7, -1, 2**40],
    "n": [1],
    "logit_bias": [{"1": 5}, {}],
    "frequency_penalty": [0, 0.5],
    "presence_penalty": [0, -0.5],
    "user": ["somebody", "a"],
    "request_id": ["abcdef"],
    "glmgate": [{"strict": False}],
}
CHAT: Final[dict[str, list[Any]]] = SAMPLING | {
    "thinking": [{"type": "enabled"}, {"type": "disabled"}, {"type": "enabled", "clear_thinking": False}],
    "reasoning_effort": ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    "do_sample": [True, False],
    "top_k": [5],
    "min_p": [0.1],
    "max_completion_tokens": [16, 600, 200_000],
    "tools": [[TOOL], [TOOL, STRICT, {"type": "web_browser"}], [TOOL, {"type": "web_search", "web_search": {}}], []],
    "tool_choice": ["auto", "none", "required", NAMED, ALLOWED],
    "parallel_tool_calls": [True, False],
    "tool_stream": [True, False],
    "response_format": [{"type": "text"}, {"type": "json_object"}, SCHEMA],
    "logprobs": [True, False],
    "top_logprobs": [0, 2],
    "user_id": ["somebody else", "b"],
    "functions": [[FUNCTION]],
    "function_call": ["auto", "none", {"name": "weather"}],
    "chat_template_kwargs": [{"enable_thinking": True}, {"enable_thinking": False, "mark": True}],
}
COMPLETION: Final[dict[str, list[Any]]] = SAMPLING | {
    "best_of": [1],
    "echo": [True, False],
    "suffix": ["mark"],
    "logprobs": [0, 2],
}
EMBEDDINGS: Final[dict[str, list[Any]]] = {
    "input": ["one", ["one", "two"]],
    "dimensions": [256, 100],
    "encoding_format": ["float", "base64"],
    "user": ["somebody", "a"],
    "user_id": ["somebody else"],
    "request_id": ["abcdef"],
    "glmgate": [{"strict": False}],
}

# Read before a request comes here, and obeyed there: by the surface (how the answer is written, its id) and by routing.
OBEYED_BEFORE: Final = {"stream", "stream_options", "request_id", "glmgate", "encoding_format", "n"}
# What says the same as nothing, in the documents of the dialect that has the member.
DEFAULTS: Final[dict[str, list[Any]]] = {
    "tool_choice": ["auto"],
    "parallel_tool_calls": [True],
    "response_format": [{"type": "text"}],
    "logprobs": [False],
    "top_logprobs": [0],
    "logit_bias": [{}],
    "do_sample": [True],
    "tools": [[]],
    "echo": [False],
    "function_call": ["auto"],
    "best_of": [1],
}
# A call that arrives whole has the same pieces; a model of our own always gives it in pieces.
OF_NO_EFFECT: Final = {"tool_stream"}

CALL: Final = {
    "id": "mark-id",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "mark-city"}'},
}
TURNS: Final[list[list[Body]]] = [
    [{"role": "user", "content": "mark-user"}],
    [{"role": "system", "content": "mark-system"}, {"role": "user", "content": "mark-user", "name": "mark_name"}],
    [{"role": "developer", "content": "mark-developer"}, {"role": "user", "content": "mark-user"}],
    [{"role": "user", "content": [{"type": "text", "text": "mark-one"}, {"type": "text", "text": "mark-two"}]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}]}],
    [{"role": "user", "content": [{"type": "file", "file": {"file_id": "mark-file"}}]}],
    [
        {"role": "user", "content": "mark-user"},
        {"role": "assistant", "content": None, "reasoning_content": "mark-thought", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "mark-id", "content": "mark-result"},
    ],
    [
        {"role": "user", "content": "mark-user"},
        {"role": "assistant", "content": "mark-answer", "reasoning": "mark-thought"},
        {"role": "assistant", "content": "mark-more"},
    ],
    [
        {"role": "user", "content": "mark-user"},
        {"role": "assistant", "content": "", "function_call": CALL["function"]},
        {"role": "function", "name": "weather", "content": "mark-result"},
    ],
    [{"role": "system", "content": "mark-system"}],
]
# Where members that nobody knows are planted: a path of a report, and the way there.
PLACES: Final[list[tuple[str, list[str | int]]]] = [
    ("", []),
    ("messages", ["messages", 0]),
    ("messages", ["messages", -1]),
    ("messages.content", ["messages", 0, "content", 0]),
    ("messages.content.image_url", ["messages", 0, "content", 0, "image_url"]),
    ("messages.tool_calls", ["messages", 1, "tool_calls", 0]),
    ("messages.tool_calls.function", ["messages", 1, "tool_calls", 0, "function"]),
    ("messages.function_call", ["messages", 1, "function_call"]),
    ("stream_options", ["stream_options"]),
    ("thinking", ["thinking"]),
    ("tools", ["tools", 0]),
    ("tools.function", ["tools", 0, "function"]),
    ("tool_choice", ["tool_choice"]),
    ("tool_choice.function", ["tool_choice", "function"]),
    ("response_format", ["response_format"]),
    ("response_format.json_schema", ["response_format", "json_schema"]),
    ("functions", ["functions", 0]),
    ("function_call", ["function_call"]),
    ("glmgate", ["glmgate"]),
]
thorough = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def some_of(values: dict[str, list[Any]]) -> st.SearchStrategy[Body]:
    """Up to five of the members, each with one of its values."""
    names = st.lists(st.sampled_from(sorted(values)), max_size=5, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: st.sampled_from(values[name]) for name in chosen}))


def copied(value: Any) -> Any:
    """JSON of its own, so that planting in it changes no other request."""
    return json.loads(json.dumps(value))


def planted(body: Body, place: list[str | int]) -> bool:
    """Put a member that nobody knows at `place`, where there is an object."""
    node: Any = body
    for step in place:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return False
    if not isinstance(node, dict):
        return False
    node["novelty"] = "mark-novelty"
    return True


def told(path: str, notes: tuple[Note, ...], *, whole: bool = True) -> bool:
    """Whether a change of this member, or (without `whole`) of one inside it, is in the report."""
    return any(note.field == path or (not whole and note.field.startswith(f"{path}.")) for note in notes)


def accounted(name: str, value: object, sent: Body, notes: tuple[Note, ...]) -> bool:
    """Whether one member of the request went where the promise lets it go."""
    return (
        sent.get(name) == value
        or told(name, notes, whole=not isinstance(value, dict | list))
        or name in OBEYED_BEFORE
        or name in OF_NO_EFFECT
        or value in DEFAULTS.get(name, [])
        or is_mapped(name, value, sent, notes)
    )


def is_mapped(name: str, value: object, sent: Body, notes: tuple[Note, ...]) -> bool:
    """Members that mean the same under another name, which is no change that had to be told."""
    switches = sent.get("chat_template_kwargs") or {}
    match name, value:
        case "thinking", {"type": mode, **rest}:
            own = sent.get("thinking") or {}
            is_said = own.get("type") == mode or switches.get("enable_thinking") is (mode == "enabled")
            clear = rest.get("clear_thinking")
            is_kept = clear is None or clear in (own.get("clear_thinking"), switches.get("clear_thinking"))
            return is_said and (is_kept or told("thinking.clear_thinking", notes))
        case "chat_template_kwargs", dict(given):
            mode = "enabled" if given["enable_thinking"] else "disabled"
            is_said = is_mapped("thinking", {"type": mode}, sent, notes) or sent.get("reasoning_effort") is not None
            return is_said or told("thinking", notes)
        case "tools", list(tools):
            is_chosen = told("tool_choice", notes)  # fewer tools are how some choices are made
            return is_chosen or len(cast("list[Body]", sent.get("tools", []))) == len(tools)
        case "stop", str(text):
            return bool(sent.get("stop") == [text])
        case "input", str(text):
            return bool(sent.get("input") == [text])
        case "function_call", _:
            return told("functions", notes)
        case "response_format", {"json_schema": {"schema": schema}}:
            form = cast("Body", sent.get("response_format") or {}).get("json_schema") or {}
            return bool(form.get("schema") == schema) or is_demanded(sent, notes)
        case "response_format", _:
            return is_demanded(sent, notes)
        case "tool_choice", {"type": "allowed_tools"} if is_demanded(sent, notes):
            return True
        case (("tool_choice" | "parallel_tool_calls"), _):
            return "tools" not in sent  # without tools there is nothing to choose from
        case _:
            return False


def is_demanded(sent: Body, notes: tuple[Note, ...]) -> bool:
    """Whether the answer is a call, natively or by an emulation: then it has no form."""
    return (
        told("tool_choice", notes) or sent.get("tool_choice") == "required" or isinstance(sent.get("tool_choice"), dict)
    )


def marks(value: object) -> set[str]:
    """The marks in a body."""
    return {text for text in json.dumps(value).replace('\\"', '"').split('"') if text.startswith("mark")}


def lost_marks(before: Body, after: Fitted[Generation]) -> set[str]:
    """Marks of the messages that are neither sent nor told."""
    text = json.dumps(plain(after.request), ensure_ascii=False)
    lost = {mark for mark in marks(before["messages"]) if mark not in text}
    reasons = {"mark-thought": "messages.reasoning_content", "mark_name": "messages.name"}
    return {mark for mark in lost if not told(reasons.get(mark, "-"), after.notes)} - {"mark-novelty"}


def outcome(request: Members, profile: Profile) -> Fitted[Generation] | None:
    """The request, fitted; None when it was refused by the name of a member."""
    try:
        return fit(cast("Generation", request), profile)
    except RequestRefused as refusal:
        if refusal.param is None:
            raise
        return None


@pytest.mark.parametrize("name", PROFILES)
@thorough
@given(some_of(CHAT), st.sampled_from(TURNS))
def test_every_member_of_a_chat_is_accounted_for(name: str, members: Body, turns: list[Body]) -> None:
    """Each one that is set, whatever it stands beside."""
    body = {"model": "m", "messages": turns} | members
    after = outcome(convert(copied(body), ChatRequest), PROFILES[name])
    if after is not None:
        sent = plain(after.request)
        assert [each for each in members if not accounted(each, members[each], sent, after.notes)] == []
        assert lost_marks(body, after) == set()


@pytest.mark.parametrize("name", PROFILES)
@thorough
@given(some_of(CHAT), st.sampled_from(TURNS), st.sampled_from(PLACES))
def test_a_member_that_nobody_knows_is_sent_or_told(
    name: str, members: Body, turns: list[Body], place: tuple[str, list[str | int]]
) -> None:
    """At every level of the body; where the whole object around it is left out, that is told."""
    body = copied({"model": "m", "messages": turns} | members)
    if not planted(body, place[1]):
        return
    after = outcome(convert(body, ChatRequest), PROFILES[name])
    if after is None:
        return
    path = f"{place[0]}.novelty".removeprefix(".")
    whole = [note.field for note in after.notes if note.change == "omitted"]
    assert (
        "mark-novelty" in json.dumps(plain(after.request))
        or told(path, after.notes)
        or any(path.startswith(f"{field}.") for field in whole)
    ), after.notes


@pytest.mark.parametrize("name", PROFILES)
@thorough
@given(some_of(COMPLETION), st.booleans())
def test_every_member_of_a_completion_is_accounted_for(name: str, members: Body, is_unknown: bool) -> None:
    """As for chat; a prompt is sent as a prompt, or as what a user says."""
    body = {"model": "m", "prompt": "mark-prompt"} | members | ({"novelty": "mark-novelty"} if is_unknown else {})
    after = outcome(convert(copied(body), CompletionRequest), PROFILES[name])
    if after is None:
        return
    sent = plain(after.request)
    assert [each for each in members if not accounted_in_completion(each, members[each], after)] == []
    assert "mark-prompt" in json.dumps(sent)
    assert not is_unknown or "novelty" in sent or told("novelty", after.notes)


def accounted_in_completion(name: str, value: object, after: Fitted[Generation]) -> bool:
    """As `accounted`; the prompt is given back by a piece of the undoing."""
    is_undone = name == "echo" and bool(said_first(after))
    return is_undone or accounted(name, value, plain(after.request), after.notes)


def said_first(after: Fitted[Generation]) -> list[str]:
    """What the undoing says before the answer."""
    from glmgate.wire.delta import Delta  # noqa: PLC0415

    deltas = after.undo.feed(Delta(content="answer"))
    return [delta.content for delta in deltas if delta.content and "mark-prompt" in delta.content]


@pytest.mark.parametrize("name", PROFILES)
@thorough
@given(some_of(EMBEDDINGS), st.booleans())
def test_every_member_of_an_embedding_is_accounted_for(name: str, members: Body, is_unknown: bool) -> None:
    """As for chat. The size of the vectors is made afterwards, whatever is sent."""
    body = {"model": "m", "input": "one"} | members | ({"novelty": "mark-novelty"} if is_unknown else {})
    request = convert(copied(body), EmbeddingsRequest)
    sent, notes = fit_embeddings(request, PROFILES[name])
    left = [each for each in members if each != "dimensions" and not accounted(each, members[each], plain(sent), notes)]
    assert left == []
    assert not is_unknown or "novelty" in plain(sent) or told("novelty", notes)
    assert fit_embeddings(request, PROFILES[name]) == (sent, notes)


@pytest.mark.parametrize("name", PROFILES)
@given(some_of(CHAT), st.sampled_from(TURNS))
def test_fitting_is_pure(name: str, members: Body, turns: list[Body]) -> None:
    """The same request and profile, the same result; and the request is as it was."""
    request = convert(copied({"model": "m", "messages": turns} | members), ChatRequest)
    before = msgspec.json.encode(plain(request))
    one, other = outcome(request, PROFILES[name]), outcome(request, PROFILES[name])
    assert msgspec.json.encode(plain(request)) == before
    if one is not None and other is not None:
        assert (plain(one.request), one.notes) == (plain(other.request), other.notes)
    assert (one is None) is (other is None)


@pytest.mark.parametrize(
    ("kind", "values"),
    [(ChatRequest, CHAT), (CompletionRequest, COMPLETION), (EmbeddingsRequest, EMBEDDINGS)],
)
def test_no_member_is_forgotten(kind: type[Members], values: dict[str, list[Any]]) -> None:
    """The values above are for every member that the types have."""
    members = {field.encode_name for field in msgspec.structs.fields(kind)} - {
        " unknown",
        "model",
        "messages",
        "prompt",
    }
    assert members == set(values)
