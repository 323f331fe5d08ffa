"""Stories of OpenAI's client about chat; runs on its major versions 1 to 3. Arguments: base URL, key.

What each story must give is in `tests/clients/test_openai_chat.py`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Literal

from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.clients.scripts.telling import tell

BASE_URL, KEY = sys.argv[1:3]
CLIENT = OpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0)
MODEL = "glm-4.6"
HELLO: list[Any] = [{"role": "user", "content": "Hello, please introduce yourself"}]
WEATHER: list[Any] = [{"role": "user", "content": "How's the weather in Beijing today?"}]
PERSON: list[Any] = [
    {"role": "user", "content": "Return a JSON object with name and city. Anna is a person and lives in Berlin."}
]
SMALL: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 24, "temperature": 0}
THINKING: dict[str, Any] = {"thinking": {"type": "enabled"}}
CALM: dict[str, Any] = {"thinking": {"type": "disabled"}}


class Verdict(BaseModel):
    """A form that the answer must have; closed sets, so that any model fills it in a few tokens."""

    verdict: Literal["yes", "no"]
    certain: bool


class GetWeather(BaseModel):
    """Get weather information for specified location."""

    location: Literal["Beijing", "Shanghai"]


def function(name: str, parameter: str) -> Any:
    """A tool with one parameter of two values."""
    schema = {
        "type": "object",
        "properties": {parameter: {"type": "string", "enum": ["Beijing", "Shanghai"]}},
        "required": [parameter],
        "additionalProperties": False,
    }
    return {"name": name, "description": f"The {name} of a place", "parameters": schema}


FUNCTIONS: list[Any] = [function("get_weather", "location"), function("get_time", "place")]
TOOLS: list[Any] = [{"type": "function", "function": each} for each in FUNCTIONS]
# The function of the seed page, which the built-in model calls by itself.
PAGE_FUNCTION: dict[str, Any] = {
    "name": "get_weather",
    "description": "Get weather information for specified location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "Location name, e.g.: Beijing, Shanghai"}},
        "required": ["location"],
    },
}
NAMED: Any = {"type": "function", "function": {"name": "get_time"}}


def chat(**members: Any) -> Any:
    """A plain answer; `members` over those of a small request."""
    return CLIENT.chat.completions.create(**(SMALL | members)).model_dump()


def stream(**members: Any) -> list[Any]:
    """All chunks of a streamed answer."""
    return [chunk.model_dump() for chunk in CLIENT.chat.completions.create(**(SMALL | members | {"stream": True}))]


def tools(**members: Any) -> Any:
    """A plain answer to a question about the weather, with two tools."""
    return chat(messages=WEATHER, tools=TOOLS, max_tokens=200, extra_body=CALM, **members)


def request_id() -> object:
    """What the SDK found in the header of a plain answer."""
    return CLIENT.chat.completions.create(**SMALL)._request_id


async def awaited() -> object:
    """The asynchronous client, plain and streamed."""
    async with AsyncOpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0) as client:
        whole = await client.chat.completions.create(**SMALL)
        pieces = await client.chat.completions.create(**(SMALL | {"stream": True}))
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in pieces])
    return {"plain": whole.choices[0].message.content, "streamed": text}


def parse() -> object:
    """The helper that reads an answer into a class."""
    completion = CLIENT.chat.completions.parse(
        model=MODEL, messages=HELLO, response_format=Verdict, max_tokens=400, extra_body=CALM
    )
    parsed = completion.choices[0].message.parsed
    return {"parsed": parsed and parsed.model_dump(), "finish_reason": completion.choices[0].finish_reason}


def parse_call() -> object:
    """The helper that reads the arguments of a call into a class."""
    from openai import pydantic_function_tool  # noqa: PLC0415  # one story's own import

    completion = CLIENT.chat.completions.parse(
        model=MODEL,
        messages=WEATHER,
        tools=[pydantic_function_tool(GetWeather)],
        tool_choice="required",
        max_tokens=200,
        extra_body=CALM,
    )
    calls = completion.choices[0].message.tool_calls or []
    return [repr(call.function.parsed_arguments) for call in calls]


def helper(**members: Any) -> object:
    """The `.stream()` helper: its events by type, and what it folds the chunks into."""
    with CLIENT.chat.completions.stream(**(SMALL | members)) as events:
        kinds = [event.type for event in events]
        return {"kinds": kinds, "final": events.get_final_completion().model_dump()}


def until(stop: Any, *, streamed: bool) -> str:
    """The greedy answer up to a stop sequence."""
    if streamed:
        pieces = stream(max_tokens=60, extra_body=CALM, stop=stop)
        return "".join(each["delta"]["content"] or "" for chunk in pieces for each in chunk["choices"])
    return str(chat(max_tokens=60, extra_body=CALM, stop=stop)["choices"][0]["message"]["content"])


def stops() -> object:
    """One greedy answer without stop, and with four of which one stands across words of it."""
    whole = until(None, streamed=False)
    at = len(whole) // 2
    stop = whole[at : at + 6]
    four = ["\u2603never", "zq" * 5, stop, "\u2603\u2603"]
    return {
        "whole": whole,
        "stop": stop,
        "plain": until(four, streamed=False),
        "streamed": until(four, streamed=True),
        "string": until(stop, streamed=True),
    }


def first_words(role: str) -> Any:
    """The greedy answer under an instruction in this role."""
    messages = [{"role": role, "content": "You are a helpful AI assistant"}, *HELLO]
    return chat(messages=messages)


def after_tool() -> object:
    """A whole round: the call, its result, and the answer to it."""
    first = tools(tool_choice=NAMED)["choices"][0]["message"]
    call = {"role": "assistant", "content": None, "tool_calls": first["tool_calls"]}
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "12:00"}
    return chat(messages=[*WEATHER, call, result], tools=TOOLS)


def after_function() -> object:
    """A whole round in the older form."""
    call = {"role": "assistant", "content": None, "function_call": {"name": "get_time", "arguments": "{}"}}
    result = {"role": "function", "name": "get_time", "content": "12:00"}
    return chat(messages=[*WEATHER, call, result], functions=FUNCTIONS)


STORIES: dict[str, Any] = {
    "plain": chat,
    "request_id": request_id,
    "stream": stream,
    "stream_usage": lambda: stream(stream_options={"include_usage": True}),
    "thinking": lambda: stream(max_tokens=400, extra_body=THINKING),
    "not_thinking": lambda: chat(extra_body=CALM),
    "effort_none": lambda: chat(reasoning_effort="none"),
    "awaited": lambda: asyncio.run(awaited()),
    "parse": parse,
    "parse_call": parse_call,
    "helper": lambda: helper(max_tokens=400),
    "helper_call": lambda: helper(messages=WEATHER, tools=TOOLS, tool_choice="required", max_tokens=200),
    "json_object": lambda: chat(messages=PERSON, response_format={"type": "json_object"}, max_tokens=400),
    "tool_required": lambda: tools(tool_choice="required"),
    "tool_required_against": lambda: chat(tools=TOOLS, tool_choice="required", max_tokens=200, extra_body=CALM),
    "tool_named": lambda: tools(tool_choice=NAMED),
    "tool_none": lambda: tools(tool_choice="none"),
    "tool_single": lambda: tools(tool_choice="required", parallel_tool_calls=False),
    "tool_streamed": lambda: stream(messages=WEATHER, tools=TOOLS, tool_choice="required", max_tokens=200),
    "after_tool": after_tool,
    "function_auto": lambda: chat(messages=WEATHER, functions=[PAGE_FUNCTION], max_tokens=200, extra_body=CALM),
    "function_named": lambda: chat(
        messages=WEATHER, functions=FUNCTIONS, function_call={"name": "get_time"}, max_tokens=200
    ),
    "function_streamed": lambda: stream(
        messages=WEATHER, functions=FUNCTIONS, function_call={"name": "get_time"}, max_tokens=200
    ),
    "after_function": after_function,
    "two": lambda: chat(n=2, temperature=1, seed=1),
    "two_streamed": lambda: stream(n=2, temperature=1, seed=1),
    "stops": stops,
    "system": lambda: first_words("system"),
    "developer": lambda: first_words("developer"),
    "cold": lambda: [chat(extra_body=CALM)["choices"][0]["message"]["content"] for _ in range(2)],
    "warm": lambda: chat(temperature=1.7),
    "hot": lambda: chat(temperature=2),
    "seeded": lambda: [chat(temperature=1, seed=7)["choices"][0]["message"] for _ in range(2)],
    "completion_tokens": lambda: chat(max_tokens=None, max_completion_tokens=5),
    "logprobs": lambda: chat(logprobs=True, top_logprobs=2, max_tokens=4, extra_body=CALM),
    "parts": lambda: chat(messages=[{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]),
    "openai_name": lambda: chat(model="gpt-4o-mini"),
}

if __name__ == "__main__":
    tell(STORIES)
