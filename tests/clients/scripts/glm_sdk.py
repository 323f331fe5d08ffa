"""Stories of GLM's own clients, zhipuai and zai-sdk. Arguments: `zhipuai` or `zai`, base URL, key.

What each story must give is in `tests/clients/test_glm_sdks.py`.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from tests.clients.scripts.telling import tell
from tests.clients.scripts.tokens import token

SDK, BASE_URL, KEY = sys.argv[1:4]
if SDK == "zhipuai":
    from zhipuai import ZhipuAI as Client
else:
    from zai import ZaiClient as Client

MODEL = "glm-4.6"
HELLO: list[Any] = [{"role": "user", "content": "Hello, please introduce yourself"}]
WEATHER: list[Any] = [{"role": "user", "content": "How's the weather in Beijing today?"}]
SMALL: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 24}
PARAMETERS = {
    "type": "object",
    "properties": {"location": {"type": "string", "description": "Location name, e.g.: Beijing, Shanghai"}},
    "required": ["location"],
}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get weather information for specified location",
            "parameters": PARAMETERS,
        },
    }
]


def client(key: str = KEY, *, signs: bool = False, retries: int = 0) -> Any:
    """A client that shows the key itself, or a token that it signs with it."""
    return Client(api_key=key, base_url=BASE_URL, disable_token_cache=not signs, max_retries=retries)


def chat(who: Any, **members: Any) -> Any:
    """A plain answer."""
    return who.chat.completions.create(**(SMALL | members)).model_dump()


def stream(who: Any, **members: Any) -> Any:
    """All chunks of a streamed answer."""
    chunks = who.chat.completions.create(**(SMALL | members | {"stream": True}))
    return [chunk.model_dump() for chunk in chunks]


def vectors(who: Any, **members: Any) -> Any:
    """The embeddings of one text."""
    answer = who.embeddings.create(**({"model": "embedding-3", "input": "foo bar"} | members))
    return [item.embedding for item in answer.data]


def refused(key: str) -> Any:
    """A chat with a credential that is not good."""
    return chat(client(key))


def of(who: Any, mode: str) -> dict[str, Any]:
    """The stories that are told with both ways of showing a key."""
    thinks = {"thinking": {"type": "enabled"}, "max_tokens": 400}
    asks = {"messages": WEATHER, "tools": TOOLS, "max_tokens": 200, "thinking": {"type": "disabled"}}
    return {
        f"{mode}_plain": partial(chat, who),
        f"{mode}_stream": partial(stream, who),
        f"{mode}_thinking": partial(stream, who, **thinks),
        f"{mode}_tools": partial(chat, who, **asks, tool_choice="auto"),
        f"{mode}_tools_streamed": partial(stream, who, **asks, tool_choice="auto"),
        f"{mode}_vectors": partial(vectors, who),
    }


def stories() -> dict[str, Any]:
    """All of them."""
    raw = client()
    key_id = KEY.partition(".")[0]
    return {
        **of(raw, "raw"),
        **of(client(signs=True), "signed"),
        "greedy": lambda: [chat(raw, temperature=0)["choices"][0]["message"]["content"] for _ in range(2)],
        "embedding_2": partial(vectors, raw, model="embedding-2"),
        "dimensions": partial(vectors, raw, dimensions=512),
        "wrong_secret": partial(refused, f"{key_id}.{'x' * 43}"),
        "wrong_signature": lambda: chat(client(f"{key_id}.{'x' * 43}", signs=True)),
        "no_dot": partial(refused, "sk-1234567890abcdef"),
        "expired": partial(refused, token(KEY, lives_ms=-60_000)),
        "forged": partial(refused, token(KEY, secret="x" * 43)),
        "unsigned": partial(refused, token(KEY, algorithm="none")),
        "handmade": partial(refused, token(KEY)),
        "no_model": lambda: chat(raw, model="no-such-model"),
        "no_messages": lambda: chat(raw, messages=[]),
        "unserved": lambda: client(retries=3).images.generations(model="cogview-4", prompt="a cat"),
    }


if __name__ == "__main__":
    tell(stories())
