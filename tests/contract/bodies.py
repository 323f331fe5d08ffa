"""Requests that several rows send, and what must be found of them at a service."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest

both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
"""Every row holds for whole answers and for streams."""

HELLO: Final[list[dict[str, Any]]] = [{"role": "user", "content": "Hello"}]
CITY: Final[dict[str, Any]] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
FORM: Final[dict[str, Any]] = {
    "type": "json_schema",
    "json_schema": {"name": "person", "schema": PERSON, "strict": True},
}
GOOD: Final = '{"name": "Ada", "age": 36}'


def tool(name: str, **members: Any) -> dict[str, Any]:
    """A function tool."""
    return {
        "type": "function",
        "function": {"name": name, "description": f"About {name}", "parameters": copy.deepcopy(CITY)} | members,
    }


WEATHER: Final = tool("get_weather")
TIME: Final = tool("get_time")
TOOLS: Final = [WEATHER, TIME]
NAMED: Final[dict[str, Any]] = {"type": "function", "function": {"name": "get_weather"}}


def names_of(body: Any) -> list[str]:
    """The tools that a request offered."""
    return [each["function"]["name"] for each in body.get("tools") or ()]


def text_of(body: Any) -> str:
    """All that a request says, for looking for words in it."""
    return "\n".join(str(message.get("content")) for message in body["messages"])
