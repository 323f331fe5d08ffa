"""Stories of OpenAI's client about everything but chat; runs on its major versions 1 to 3. Arguments: base URL, key.

What each story must give is in `tests/clients/test_openai_rest.py`.
"""

from __future__ import annotations

import sys
from typing import Any

from openai import OpenAI

from tests.clients.scripts.telling import tell

BASE_URL, KEY = sys.argv[1:3]
CLIENT = OpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0)
MODEL = "glm-4.6"
HELLO: list[Any] = [{"role": "user", "content": "Hello!"}]
TEXTS = ["foo bar", "Beijing is the capital of China"]


def vectors(**members: Any) -> Any:
    """The embeddings of some texts, whatever way they came."""
    answer = CLIENT.embeddings.create(**({"model": "embedding-3", "input": TEXTS} | members))
    return [item.embedding for item in answer.data]


def hundred() -> object:
    """The embeddings of a hundred texts: their order and sizes."""
    answer = CLIENT.embeddings.create(model="text-embedding-3-small", input=[f"text {i}" for i in range(100)])
    return {"indexes": [item.index for item in answer.data], "sizes": sorted({len(x.embedding) for x in answer.data})}


def refused(**members: Any) -> object:
    """A chat that must be refused."""
    return CLIENT.chat.completions.create(**({"model": MODEL, "messages": HELLO} | members))


def stranger(key: str) -> object:
    """A chat with another key."""
    client = OpenAI(api_key=key, base_url=BASE_URL, max_retries=0)
    return client.chat.completions.create(model=MODEL, messages=HELLO)


def eager() -> object:
    """A path that is not served, by a client that retries what it may."""
    return CLIENT.with_options(max_retries=2).images.generate(model="cogview-4", prompt="a cat")


STORIES: dict[str, Any] = {
    "base64": vectors,
    "float": lambda: vectors(encoding_format="float"),
    "one": lambda: vectors(input="foo bar", encoding_format="float"),
    "sizes": lambda: [len(vectors(dimensions=size)[0]) for size in (256, 512, 1024, 2048)],
    "embedding_2": lambda: len(vectors(model="embedding-2")[0]),
    "hundred": hundred,
    "embedding_usage": lambda: CLIENT.embeddings.create(model="embedding-3", input=TEXTS).usage.model_dump(),
    "models": lambda: [model.model_dump() for model in CLIENT.models.list()],
    "stand_in": lambda: CLIENT.models.retrieve("gpt-4o").model_dump(),
    "completion": lambda: CLIENT.completions.create(model=MODEL, prompt="Once upon", max_tokens=8).model_dump(),
    "completion_stream": lambda: [
        chunk.model_dump()
        for chunk in CLIENT.completions.create(model=MODEL, prompt="Once upon", max_tokens=8, stream=True)
    ],
    "wrong_secret": lambda: stranger(KEY.partition(".")[0] + "." + "x" * 43),
    "no_dot": lambda: stranger("sk-1234567890abcdef"),
    "no_model": lambda: refused(model="no-such-model"),
    "no_model_card": lambda: CLIENT.models.retrieve("no-such-model"),
    "bad_temperature": lambda: refused(temperature=9),
    "bad_role": lambda: refused(messages=[{"role": "wizard", "content": "Hello"}]),
    "no_messages": lambda: refused(messages=[]),
    "too_long": lambda: refused(messages=[{"role": "user", "content": "word " * 60_000}]),
    "unserved": eager,
    "unserved_list": CLIENT.fine_tuning.jobs.list,
    "unserved_delete": lambda: CLIENT.files.delete("file-1"),
}

if __name__ == "__main__":
    tell(STORIES)
