"""The body of a request, from the model's fields and what a call says beyond them (contract 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from langchain_core.messages import BaseMessage
from openai import RequestOptions

from langchain_zhipuai.chat_models.messages import wire_messages
from langchain_zhipuai.chat_models.tools import wire_choice, wire_tools

OPTIONS: Final[Mapping[str, str]] = {"extra_headers": "headers", "extra_query": "params", "timeout": "timeout"}
"""What a call may say about its transport, and what the SDK calls it."""

_NO_MEMBERS: Final = frozenset({"model_name", "stream", "extra_body"})
"""What is said in other members."""


def options_of(said: Mapping[str, Any]) -> RequestOptions:
    """What a call says about its transport."""
    options = {name: said[ours] for ours, name in OPTIONS.items() if said.get(ours) is not None}
    return cast("RequestOptions", options)


def body_of(fields: Mapping[str, Any], messages: Iterable[BaseMessage], said: Mapping[str, Any]) -> dict[str, Any]:
    """The body: the fields, then what the call said, then both `extra_body`s. None and an empty list say nothing."""
    asked = {**fields, **{name: value for name, value in said.items() if name not in OPTIONS}}
    asked["model"] = said.get("model") or said.get("model_name") or fields["model"]
    extra = [each.get("extra_body") or {} for each in (fields, said)]
    asked = _glm_words({name: value for name, value in asked.items() if name not in _NO_MEMBERS and _says(value)})
    return {"model": asked.pop("model"), "messages": wire_messages(messages)} | asked | extra[0] | extra[1]


def _says(value: object) -> bool:
    return value is not None and value != []


def streamed(body: Mapping[str, Any], *, usage: bool) -> dict[str, Any]:
    """The same request for a stream. Raises ValueError where several answers are asked for."""
    if (body.get("n") or 1) > 1:
        raise ValueError(f"n={body['n']!r} answers cannot be streamed; leave n out or do not stream.")
    return {**body, "stream": True} | ({"stream_options": {"include_usage": True}} if usage else {})


def _glm_words(asked: dict[str, Any]) -> dict[str, Any]:
    """What is said in short, or in the words of others, as GLM says it."""
    asked = _old_functions(asked)
    if not asked.get("tools"):
        asked.pop("tool_choice", None)  # GLM refuses a choice of nothing
    if isinstance(thinking := asked.get("thinking"), bool):
        asked["thinking"] = {"type": "enabled" if thinking else "disabled"}
    if isinstance(stop := asked.get("stop"), str):
        asked["stop"] = [stop]
    if asked.get("temperature") == 0:  # the likeliest words: some models refuse the number (contract T1)
        del asked["temperature"]
        asked["do_sample"] = False
    return asked


def _old_functions(asked: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's older words for tools, in those of today: GLM never had them (contract C7)."""
    functions, choice = asked.pop("functions", None), asked.pop("function_call", None)
    if not functions:
        return asked
    tools = wire_tools([{"type": "function", "function": function} for function in functions])
    named = choice["name"] if isinstance(choice, Mapping) else choice
    asked = asked | {"tools": [*asked.get("tools", ()), *tools]}
    return asked if named is None else asked | {"tool_choice": wire_choice(named, tools)}
