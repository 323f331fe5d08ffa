"""Strategies: any well-typed request, with unknown members and nulls anywhere."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from glmgate.adaptation.guard import JOINER
from tests.adaptation.requests import TOKENS

TEXTS = st.lists(
    st.sampled_from([*TOKENS, JOINER, "<", "Hello ", "é", "\n", "{}", "get_time", "\x00"]), max_size=5
).map("".join)
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            TEXTS | st.sampled_from(["type", "properties", "$ref", "pattern", "items"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(
    st.sampled_from(["type", "properties", "$defs", "anyOf", "enum", "<think>", "x"]), JSON, max_size=3
)
NAMES = st.sampled_from(["get_time", "get_weather", "f", "", "a b", "<think>", "x" * 70])
NUMBERS = st.integers(-3, 30) | st.integers(-(2**70), 2**70)


def members(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with these members, nulls for some of the optional ones, and now and then one that nobody knows."""
    known = st.fixed_dictionaries(required, optional={name: st.none() | value for name, value in optional.items()})
    unknown = st.dictionaries(st.sampled_from(["novelty", "metadata", "?", "a.b"]), SCALARS, max_size=1)
    return st.builds(lambda one, other: {**other, **one}, known, unknown)


PARTS = members(
    {"type": st.sampled_from(["text", "text", "text", "image_url", "novelty"])},
    {"text": TEXTS, "image_url": members({"url": TEXTS}, {"detail": TEXTS})},
)
ARGUMENTS = st.sampled_from(["{}", '{"a": "<think>"}', "", "[]", "{", '{"a":"\\u003cthink>"}']) | OBJECTS
CALLS = members({}, {"name": NAMES, "arguments": ARGUMENTS})
TOOL_CALLS = members(
    {},
    {
        "id": TEXTS,
        "type": st.sampled_from(["function", "web_browser", "x"]),
        "index": st.integers(0, 3),
        "function": CALLS,
    },
)
MESSAGES = members(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])},
    {
        "content": TEXTS | st.lists(PARTS, max_size=3),
        "name": NAMES,
        "tool_calls": st.lists(TOOL_CALLS, max_size=2),
        "tool_call_id": TEXTS,
        "reasoning_content": TEXTS,
        "function_call": CALLS,
    },
)
FUNCTIONS = members({"name": NAMES}, {"description": TEXTS, "parameters": OBJECTS, "strict": st.booleans()})
TOOLS = members({"type": st.sampled_from(["function", "function", "web_browser", "x"])}, {"function": FUNCTIONS})
NAMED = members(
    {"type": st.sampled_from(["function", "allowed_tools", "custom"])}, {"function": members({"name": NAMES}, {})}
)
FORMATS = members(
    {"type": st.sampled_from(["text", "json_object", "json_schema"])},
    {"json_schema": members({}, {"name": TEXTS, "schema": OBJECTS, "strict": st.booleans()})},
)
EFFORTS = st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
SAMPLING: dict[str, Any] = {
    "temperature": st.floats(-1, 3),
    "top_p": st.floats(-1, 2),
    "max_tokens": NUMBERS,
    "stop": TEXTS | st.lists(TEXTS, max_size=5),
    "seed": NUMBERS,
    "n": st.integers(0, 2),
    "logit_bias": st.dictionaries(st.sampled_from(["1", "-1", "x", "99999"]), st.floats(-200, 200), max_size=2),
    "frequency_penalty": st.floats(-3, 3),
    "presence_penalty": st.floats(-3, 3),
    "user": TEXTS,
    "request_id": TEXTS,
    "stream": st.booleans(),
    "stream_options": members({}, {"include_usage": st.booleans()}),
    "glmgate": members({}, {"strict": st.booleans()}),
}
CHATS = members(
    {"model": TEXTS, "messages": st.lists(MESSAGES, max_size=4)},
    SAMPLING
    | {
        "thinking": members({}, {"type": st.sampled_from(["enabled", "disabled"]), "clear_thinking": st.booleans()}),
        "reasoning_effort": EFFORTS,
        "do_sample": st.booleans(),
        "top_k": NUMBERS,
        "max_completion_tokens": NUMBERS,
        "tools": st.lists(TOOLS, max_size=3),
        "tool_choice": st.sampled_from(["auto", "none", "required", "x"]) | NAMED,
        "parallel_tool_calls": st.booleans(),
        "response_format": FORMATS,
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(-1, 22),
        "functions": st.lists(FUNCTIONS, max_size=2),
        "function_call": st.sampled_from(["auto", "none", "x"]) | members({"name": NAMES}, {}),
        "chat_template_kwargs": st.dictionaries(st.sampled_from(["enable_thinking", "tools"]), SCALARS, max_size=2),
    },
)
COMPLETIONS = members(
    {"model": TEXTS},
    SAMPLING
    | {
        "prompt": TEXTS | st.lists(TEXTS | st.integers() | st.lists(st.integers(), max_size=2), max_size=2),
        "echo": st.booleans(),
        "suffix": TEXTS,
        "best_of": st.integers(0, 3),
        "logprobs": st.integers(-1, 6),
    },
)
EMBEDDINGS = members(
    {"model": TEXTS, "input": TEXTS | st.lists(TEXTS | st.integers(), max_size=3)},
    {"dimensions": NUMBERS, "encoding_format": st.sampled_from(["float", "base64"]), "user": TEXTS},
)
TOKENIZERS = members(
    {"model": TEXTS, "messages": st.lists(MESSAGES, max_size=3)},
    {
        "tools": st.lists(TOOLS, max_size=2),
        "user_id": TEXTS,
        "thinking": st.fixed_dictionaries({"type": st.sampled_from(["enabled", "disabled"])}),
        "reasoning_effort": st.sampled_from(["none", "high"]),
        "response_format": st.just({"type": "json_object"}),
    },
)
