"""What is asked of a real vLLM, and recorded of it: one request for each shape that its answers have."""

from __future__ import annotations

from typing import Any, Final

HELLO: Final[list[dict[str, Any]]] = [{"role": "user", "content": "Hi"}]
CITY: Final[dict[str, Any]] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Final[list[dict[str, Any]]] = [
    {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": CITY}}
]
_CALM: Final[dict[str, Any]] = {"chat_template_kwargs": {"enable_thinking": False}}
_BASE: Final[dict[str, Any]] = {"model": "glm-4.6", "messages": HELLO, "temperature": 0, "max_tokens": 60}
_USAGE: Final[dict[str, Any]] = {"stream": True, "stream_options": {"include_usage": True}}

RECORDED: Final[dict[str, dict[str, Any]]] = {
    "text": _BASE | _CALM,
    "text-streamed": _BASE | _CALM | _USAGE,
    "text-streamed-bare": _BASE | _CALM | {"stream": True},
    "call": _BASE | {"tools": TOOLS},
    "call-streamed": _BASE | {"tools": TOOLS} | _USAGE,
    "cut-streamed": _BASE | {"tools": TOOLS, "max_tokens": 3} | _USAGE,
    "logprobs-streamed": _BASE | _CALM | _USAGE | {"logprobs": True, "top_logprobs": 2},
    "two-streamed": _BASE | _CALM | _USAGE | {"n": 2, "temperature": 1},
    "two-greedy": _BASE | _CALM | {"n": 2},
    "top-p": _BASE | {"top_p": 0},
    "too-long": _BASE | {"max_tokens": 5_000},
    "no-tools": _BASE | {"tools": []},
    "no-model": _BASE | {"model": "unknown"},
}
