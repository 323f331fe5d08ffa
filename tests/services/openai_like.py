"""How strict OpenAI, vLLM, SGLang, llama-server, Ollama and an unknown service are: what they refuse or ignore.

vLLM's rows are those of the distributed facts, section 2; the others follow the services' own references.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.services.answers import Bounds
from tests.services.refusals import Look, Refused, number

CONTEXT: Final = 32_768
"""How much the local services' models hold."""

_COMMON: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "temperature", "top_p", "max_tokens", "stop", "seed"),
        *("tools", "tool_choice", "response_format", "n", "frequency_penalty", "presence_penalty", "logit_bias"),
        *("logprobs", "top_logprobs", "parallel_tool_calls", "user", "max_completion_tokens", "reasoning_effort"),
    }
)
_HOSTED: Final = frozenset(
    {
        *("metadata", "store", "service_tier", "prediction", "verbosity", "modalities", "audio", "functions"),
        *("function_call", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "web_search_options"),
    }
)
_LOCAL: Final = frozenset({"top_k", "min_p", "chat_template_kwargs"})
_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})
_MESSAGE: Final = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How one of these services differs from the others.

    `reasoning`: what a message of the history may carry its reasoning in ("": the member is refused). `images`: how
    they are taken. `thinking`: what switches it. `unknown`: what becomes of members that are not in `known`.
    """

    known: frozenset[str]
    unknown: Literal["refused", "ignored"] = "ignored"
    roles: frozenset[str] = _ROLES
    reasoning: str = ""
    thinking: Literal["template", "effort", "none"] = "template"
    most_choices: int = 128
    most_stops: int = 1_000
    most_temperature: float = 2
    context: int | None = CONTEXT
    choice: Literal["obeyed", "words", "ignored"] = "obeyed"
    tools: frozenset[str] = frozenset({"function"})
    """The types that it takes."""
    pairs: bool = False
    """The result of a call must stand behind it."""
    greedy_alone: bool = False
    """With temperature 0 it makes one choice only (recorded: "n must be 1 when using greedy sampling")."""
    late_constraint: bool = False
    """Constraints begin after the thinking (facts 2): with thinking on, the model never gets there."""


MANNERS: Final[Mapping[str, Manners]] = {
    "openai": Manners(
        known=_COMMON | _HOSTED,
        unknown="refused",
        roles=_ROLES | {"developer", "function"},
        thinking="none",
        most_stops=4,
        context=None,
        tools=frozenset({"function", "custom"}),
        pairs=True,
    ),
    "vllm": Manners(
        known=_COMMON | _LOCAL | {"request_id", "prompt_logprobs"},
        reasoning="reasoning",
        late_constraint=True,
        greedy_alone=True,
    ),
    "sglang": Manners(known=_COMMON | _LOCAL | {"separate_reasoning"}, reasoning="reasoning_content"),
    "llama-server": Manners(
        known=(_COMMON | _LOCAL | {"cache_prompt", "id_slot"}) - {"user"},
        reasoning="reasoning_content",
        most_choices=1,
        choice="words",
    ),
    "ollama": Manners(
        known=_COMMON - {"n", "logit_bias", "user", "tool_choice", "parallel_tool_calls", "max_completion_tokens"},
        reasoning="reasoning",
        thinking="effort",
        choice="ignored",
    ),
    "generic": Manners(
        known=_COMMON,
        reasoning="reasoning_content",
        thinking="none",
        most_stops=4,
        tools=frozenset({"function", "code_interpreter", "web_browser", "drawing_tool"}),
    ),
}


def bad(message: str, param: str | None = None) -> Refused:
    """A 400 as these services give it."""
    return Refused(400, "400", message, param)


def check_chat(look: Look, manners: Manners) -> None:
    """Refuse what the service refuses; collect what it ignores. Raises Refused."""
    if manners.unknown == "refused":
        for name in look.body.keys() - manners.known:
            raise bad(f"Unrecognized request argument supplied: {name}", name)
    look.ignore_beyond(manners.known)
    _check_messages(look, manners)
    _check_numbers(look, manners)
    _check_tools(look, manners)
    stops = look.given("stop")
    if isinstance(stops, list) and len(stops) > manners.most_stops:
        raise bad(f"stop: at most {manners.most_stops} sequences", "stop")


def bounds_of(look: Look, manners: Manners) -> Bounds:
    """What holds for the answer."""
    body = look.body
    stop = body.get("stop") or ()
    choice = body.get("tool_choice") if manners.choice != "ignored" else None
    form = body.get("response_format") or {}
    must_call: str | bool = choice == "required"
    if isinstance(choice, dict) and manners.choice == "obeyed":
        must_call = str(choice["function"]["name"])
    schema = (form.get("json_schema") or {}).get("schema")
    if form.get("type") == "json_object":
        schema = {}
    thinks = _thinks(body, manners)
    return Bounds(
        thinks=thinks,
        most=body.get("max_completion_tokens") or body.get("max_tokens"),
        stops=(stop,) if isinstance(stop, str) else tuple(stop),
        tools=() if choice == "none" else tuple(body.get("tools") or ()),
        must_call=must_call,
        one_call=body.get("parallel_tool_calls") is False,
        schema=schema,
        runs_away=manners.late_constraint and thinks and bool(must_call or schema is not None),
    )


def check_embeddings(look: Look, *, sizes: bool) -> int:
    """The size of the vectors. Raises Refused."""
    look.ignore_beyond(frozenset({"model", "input", "dimensions", "encoding_format", "user"}))
    wanted = look.given("dimensions")
    if wanted is not None and not sizes:
        raise bad("Model does not support matryoshka representation, changing output dimensions", "dimensions")
    return int(wanted or 1024)


def _thinks(body: Mapping[str, Any], manners: Manners) -> bool:
    effort = body.get("reasoning_effort")
    switch = (body.get("chat_template_kwargs") or {}).get("enable_thinking")
    match manners.thinking:
        case "template":
            return switch is not False and effort != "none"
        case "effort":
            return effort != "none"
        case _:
            return True


def _check_messages(look: Look, manners: Manners) -> None:
    messages = look.given("messages")
    if not isinstance(messages, list) or not messages:
        raise bad("messages: a list of at least one is needed", "messages")
    if manners.pairs:
        _check_results(messages)
    for place, message in enumerate(messages):
        path = f"messages[{place}]"
        if message.get("role") not in manners.roles:
            if manners.unknown == "refused":
                raise bad(f"{path}: unexpected role {message.get('role')!r}", path)
            look.ignore(f"{path}.role")  # a template writes the roles that it knows
        if message.get("content") is None and not message.get("tool_calls"):
            raise bad(f"{path}.content: expected a string or a list", path)
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            _check_part(part, path)
        for name in message.keys() - _MESSAGE - {manners.reasoning}:
            if manners.unknown == "refused" and name not in {"refusal", "function_call", "audio"}:
                raise bad(f"Unrecognized request argument supplied: {path}.{name}", path)
            look.ignore(f"{path}.{name}")


def _check_results(messages: list[Mapping[str, Any]]) -> None:
    """As OpenAI does: each result answers a call of the assistant's message before, and no call stays without one."""
    asked: set[Any] = set()
    for place, message in enumerate(messages):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in asked:
                raise bad("messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
            asked.discard(message["tool_call_id"])
            continue
        if asked:
            raise bad(f"messages[{place}]: an assistant message with 'tool_calls' must be followed by its results.")
        asked = {call.get("id") for call in message.get("tool_calls") or ()}


def _check_part(part: Mapping[str, Any], path: str) -> None:
    if part.get("type") == "text":
        return
    if part.get("type") != "image_url":
        raise bad(f"{path}: unknown part type {part.get('type')!r}", path)
    if not part["image_url"]["url"].startswith(("data:image/", "http://", "https://")):
        raise bad(f"{path}: invalid image URL; expected a valid URL or a data: URL", path)


def _check_numbers(look: Look, manners: Manners) -> None:
    if not number(look, "temperature", low=0, high=manners.most_temperature):
        raise bad(f"temperature must be in [0, {manners.most_temperature}]", "temperature")
    value = look.given("top_p")
    if value is not None and not 0 < value <= 1:
        raise bad(f"top_p must be in (0, 1], got {value}.", "top_p")
    for name in ("max_tokens", "max_completion_tokens"):
        if not number(look, name, low=1, high=manners.context or 1_000_000):
            raise bad(f"{name} is too large: {look.given(name)}. The maximum context length is exceeded.", name)
    if not number(look, "n", low=1, high=manners.most_choices):
        raise bad("Only one completion choice is allowed", "n")
    if manners.greedy_alone and look.given("temperature") == 0 and (look.given("n") or 1) > 1:
        raise bad("n must be 1 when using greedy sampling", "n")
    if look.given("top_logprobs") and not look.given("logprobs"):
        raise bad("top_logprobs needs logprobs", "top_logprobs")


def _check_tools(look: Look, manners: Manners) -> None:
    choice, tools = look.given("tool_choice"), look.given("tools")
    for place, tool in enumerate(tools or ()):
        if tool.get("type") not in manners.tools:
            raise bad(f"tools[{place}].type: expected one of {sorted(manners.tools)}", f"tools[{place}].type")
    if manners.choice == "ignored":
        return  # `ignore_beyond` has it
    if choice is not None and choice != "none" and not tools:
        raise bad("When using `tool_choice`, `tools` must be set.", "tool_choice")
    if tools == []:
        raise bad("tools: [] is too short - 'tools'", "tools")
    if isinstance(choice, dict) and manners.choice == "words":
        look.ignore("tool_choice")
