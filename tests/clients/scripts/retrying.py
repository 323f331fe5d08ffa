"""One small chat by a client with its own retries. Arguments: `openai`, `zhipuai` or `zai`, base URL, key, retries."""

from __future__ import annotations

import sys
from typing import Any

from tests.clients.scripts.telling import tell

SDK, BASE_URL, KEY, RETRIES = sys.argv[1:5]


def chat() -> object:
    """The answer in the end."""
    client: Any
    if SDK == "openai":
        from openai import OpenAI  # noqa: PLC0415  # each environment has one of the three

        client = OpenAI(api_key=KEY, base_url=BASE_URL, max_retries=int(RETRIES))
    elif SDK == "zai":
        from zai import ZaiClient  # noqa: PLC0415  # see above

        client = ZaiClient(api_key=KEY, base_url=BASE_URL, max_retries=int(RETRIES))
    else:
        from zhipuai import ZhipuAI  # noqa: PLC0415  # see above

        client = ZhipuAI(api_key=KEY, base_url=BASE_URL, max_retries=int(RETRIES))
    hello = [{"role": "user", "content": "Hello!"}]
    return client.chat.completions.create(model="glm-4.6", messages=hello, max_tokens=4).model_dump()


if __name__ == "__main__":
    tell({"chat": chat})
