"""Stories of tools that a service runs itself, for each SDK. Arguments: `openai`, `zhipuai` or `zai`, base URL, key.

What each story must give is in `tests/clients/test_built_in_tools.py`.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from tests.clients.scripts.telling import tell

SDK, BASE_URL, KEY = sys.argv[1:4]
if SDK == "zhipuai":
    from zhipuai import ZhipuAI as Client
elif SDK == "zai":
    from zai import ZaiClient as Client
else:
    from openai import OpenAI as Client

CLIENT: Any = Client(api_key=KEY, base_url=BASE_URL, max_retries=0)
SHELL = {
    "name": "shell",
    "description": "Use Shell to execute system shell commands.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
ALL: list[Any] = [
    {"type": "code_interpreter", "code_interpreter": {"sandbox": "auto"}},
    {"type": "web_browser"},
    {"type": "drawing_tool"},
    {"type": "function", "function": SHELL},
]


def asked(said: str, **members: Any) -> Any:
    """An answer, or its chunks."""
    messages = [{"role": "user", "content": said}]
    return CLIENT.chat.completions.create(**({"model": "glm-4-alltools", "messages": messages, "tools": ALL} | members))


def whole(said: str) -> Any:
    """A plain answer."""
    return asked(said).model_dump()


def streamed(said: str) -> Any:
    """Every piece of a call, in its order."""
    chunks = [chunk.model_dump() for chunk in asked(said, stream=True)]
    return [piece for chunk in chunks for piece in chunk["choices"][0]["delta"].get("tool_calls") or ()]


def helped(said: str) -> Any:
    """What OpenAI's helper makes of a stream."""
    helper = getattr(CLIENT.chat.completions, "stream", None) or CLIENT.beta.chat.completions.stream
    with helper(model="glm-4-alltools", messages=[{"role": "user", "content": said}], tools=ALL) as stream:
        return stream.get_final_completion().model_dump()


def goes_on(said: str) -> Any:
    """A second turn, with the calls of the first one as they came in its stream."""
    calls = streamed(said)
    messages = [
        {"role": "user", "content": said},
        {"role": "assistant", "content": "It is 42.", "tool_calls": calls},
        {"role": "user", "content": "And then?"},
    ]
    return asked(said, messages=messages).model_dump()["choices"][0]["message"]["content"]


STORIES: dict[str, Any] = {
    "whole": partial(whole, "Everything."),
    "streamed": partial(streamed, "Everything."),
    "goes_on": partial(goes_on, "Compute."),
}
if SDK == "openai":
    STORIES["helped"] = partial(helped, "Everything.")

if __name__ == "__main__":
    tell(STORIES)
