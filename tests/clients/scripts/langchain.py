"""Stories of LangChain: its OpenAI classes and the community's ChatZhipuAI. Arguments: base URL, key.

What each story must give is in `tests/clients/test_langchain.py`.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, Literal

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

with warnings.catch_warnings():
    # The community package announces its end with every import.
    warnings.simplefilter("ignore")
    from langchain_community.chat_models import ChatZhipuAI

from tests.clients.scripts.telling import tell

BASE_URL, KEY = sys.argv[1:3]
CALM = {"thinking": {"type": "disabled"}}
LLM = ChatOpenAI(model="glm-4.6", api_key=KEY, base_url=BASE_URL, max_retries=0, max_tokens=400, extra_body=CALM)
COMMUNITY = ChatZhipuAI(
    model="glm-4", api_key=KEY, zhipuai_api_base=f"{BASE_URL.rstrip('/')}/chat/completions", max_tokens=24
)
VECTORS = OpenAIEmbeddings(
    model="text-embedding-3-small", api_key=KEY, base_url=BASE_URL, check_embedding_ctx_length=False
)


class Verdict(BaseModel):
    """A form that the answer must have."""

    verdict: Literal["yes", "no"]
    certain: bool


@tool
def get_weather(location: Literal["Beijing", "Shanghai"]) -> str:
    """Get weather information for specified location."""
    return f"Weather in {location}: Sunny"


def told(message: Any) -> dict[str, Any]:
    """A message in plain words."""
    return {
        "content": message.content,
        "calls": getattr(message, "tool_calls", []),
        "usage": getattr(message, "usage_metadata", None),
        "metadata": {key: str(value) for key, value in message.response_metadata.items()},
    }


def streamed(llm: Any) -> dict[str, Any]:
    """The sum of a stream's chunks."""
    total: Any = None
    for chunk in llm.stream("Hello, please introduce yourself"):
        total = chunk if total is None else total + chunk
    return told(total)


def structured(method: str) -> Any:
    """An answer in the form of a class."""
    return LLM.with_structured_output(Verdict, method=method).invoke("Is the sky blue?").model_dump()


STORIES: dict[str, Any] = {
    "invoke": lambda: told(LLM.invoke("Hello, please introduce yourself")),
    "stream": lambda: streamed(LLM),
    "stream_usage": lambda: streamed(LLM.model_copy(update={"stream_usage": True})),
    "tool_any": lambda: told(LLM.bind_tools([get_weather], tool_choice="any").invoke("The weather in Beijing?")),
    "json_schema": lambda: structured("json_schema"),
    "function_calling": lambda: structured("function_calling"),
    "documents": lambda: [len(vector) for vector in VECTORS.embed_documents(["foo bar", "baz"])],
    "community": lambda: told(COMMUNITY.invoke("Hello, please introduce yourself")),
    "community_stream": lambda: streamed(COMMUNITY),
}

if __name__ == "__main__":
    tell(STORIES)
