"""Requests that several stories send."""

from __future__ import annotations

from typing import Any, Final

MODEL: Final = "glm-4.6"
CALM: Final[dict[str, Any]] = {"thinking": {"type": "disabled"}}
HELLO: Final[list[dict[str, Any]]] = [{"role": "user", "content": "Hello, please introduce yourself"}]
WEATHER: Final[list[dict[str, Any]]] = [{"role": "user", "content": "How's the weather in Beijing today?"}]
TOOLS: Final[list[dict[str, Any]]] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get weather information for specified location",
            "parameters": {
                "type": "object",
                "properties": {"location": {"type": "string", "enum": ["Beijing", "Shanghai"]}},
                "required": ["location"],
            },
        },
    }
]
# Long whatever the model would like to say: the schema asks for more items than fit the limit, each of many tokens.
LONG: Final[dict[str, Any]] = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "long",
            "schema": {
                "type": "object",
                "properties": {"items": {"type": "array", "items": {"enum": ["a b c d e f g h"]}, "minItems": 400}},
                "required": ["items"],
                "additionalProperties": False,
            },
        },
    }
}


def chat(**members: Any) -> dict[str, Any]:
    """A small greedy chat; `members` over its own."""
    return {"model": MODEL, "messages": HELLO, "max_tokens": 24, "temperature": 0} | members


def long_chat(**members: Any) -> dict[str, Any]:
    """A chat whose answer takes seconds."""
    return chat(max_tokens=3000) | CALM | LONG | members
