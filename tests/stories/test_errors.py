"""Requests that must be refused: a clear answer in the surface's own words, nothing leaked, the engine alive after."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.stories.asking import Reply, ask
from tests.stories.bodies import CALM, HELLO, TOOLS, chat
from tests.stories.served import Served, reply_of

pytestmark = pytest.mark.engine

BASES = ("/api/paas/v4", "/v1")
# What only our inside knows: files, processes, the engine's name and words.
LEAKS = re.compile(
    r"Traceback|File \"|/tmp/|/home/|/src/|\.sock|\.gguf|llama|xllama|msgspec|asyncio|0x[0-9a-f]{6}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A request that is wrong, and how it is refused. `param` is None where no member is to blame."""

    body: object
    status: int
    code: str
    zai_code: str
    param: str | None = None
    path: str = "/chat/completions"


def format_of(schema: object) -> dict[str, Any]:
    """A chat whose answer must have the form of a schema."""
    return chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})


def deep(levels: int) -> dict[str, Any]:
    """A schema of objects in objects."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


def said(text: object) -> list[dict[str, Any]]:
    """One message of a user."""
    return [{"role": "user", "content": text}]


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{broken"}}
SCHEMA = "response_format.json_schema.schema"
WRONG: dict[str, Wrong] = {
    "no json": Wrong(b"{", 400, "invalid_json", "1210"),
    "no object": Wrong([], 400, "invalid_json", "1210"),
    "no body": Wrong(b"", 400, "invalid_json", "1210"),
    "not utf-8": Wrong(b'{"model": "\xff"}', 400, "invalid_json", "1210"),
    "no model": Wrong({"messages": HELLO}, 400, "missing_required_parameter", "1213", "model"),
    "no messages": Wrong({"model": "glm-4.6"}, 400, "missing_required_parameter", "1213", "messages"),
    "empty messages": Wrong(chat(messages=[]), 400, "missing_required_parameter", "1213", "messages"),
    "wrong type": Wrong(chat(temperature="warm"), 400, "invalid_type", "1210", "temperature"),
    "unknown role": Wrong(chat(messages=[{"role": "wizard"}]), 400, "invalid_type", "1210", "messages[0].role"),
    "unknown effort": Wrong(chat(reasoning_effort="huge"), 400, "invalid_type", "1210", "reasoning_effort"),
    "unknown format": Wrong(chat(response_format={"type": "xml"}), 400, "invalid_type", "1210", "response_format.type"),
    "negative temperature": Wrong(chat(temperature=-1), 400, "invalid_value", "1210", "temperature"),
    "top_p of nine": Wrong(chat(top_p=9), 400, "invalid_value", "1210", "top_p"),
    "no tokens": Wrong(chat(max_tokens=0), 400, "invalid_value", "1210", "max_tokens"),
    "less than no tokens": Wrong(chat(max_tokens=-5), 400, "invalid_value", "1210", "max_tokens"),
    "no choices": Wrong(chat(n=0), 400, "invalid_value", "1210", "n"),
    "too many choices": Wrong(chat(n=100_000), 400, "invalid_value", "1210", "n"),
    "too many stops": Wrong(chat(stop=[str(i) for i in range(1000)]), 400, "invalid_value", "1210", "stop"),
    "an empty stop": Wrong(chat(stop=""), 400, "invalid_value", "1210", "stop"),
    "too many logprobs": Wrong(chat(logprobs=True, top_logprobs=100_000), 400, "invalid_value", "1210", "top_logprobs"),
    "bias of no token": Wrong(chat(logit_bias={"99999999": 1}), 400, "invalid_value", "1210", "logit_bias"),
    "an image": Wrong(
        chat(messages=said([{"type": "image_url", "image_url": {"url": "iVBORw0KGgo="}}])),
        *(400, "unsupported_value", "1214", "messages[0].content[0].type"),
    ),
    "broken arguments": Wrong(
        chat(messages=[*HELLO, {"role": "assistant", "tool_calls": [CALL]}]),
        *(400, "invalid_value", "1210", "messages[1].tool_calls[0].function.arguments"),
    ),
    "a tool without a name": Wrong(
        chat(tools=[{"type": "function", "function": {}}]),
        *(400, "missing_required_parameter", "1213", "tools[0].function.name"),
    ),
    "a choice of no tool": Wrong(
        chat(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "fly"}}),
        *(400, "invalid_value", "1210", "tool_choice.function.name"),
    ),
    "a choice without tools": Wrong(chat(tool_choice="required"), 400, "invalid_value", "1210", "tool_choice"),
    "a schema too deep": Wrong(format_of(deep(50)), 400, "invalid_value", "1210", SCHEMA),
    "a remote reference": Wrong(
        format_of({"$ref": "http://127.0.0.1:1/x"}), 400, "invalid_value", "1210", f"{SCHEMA}.$ref"
    ),
    "a slow pattern": Wrong(
        format_of({"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+(?=b)\\1$"}}}),
        *(400, "invalid_value", "1210", f"{SCHEMA}.properties.x.pattern"),
    ),
    "a broken schema": Wrong(format_of({"type": "wizard"}), 400, "invalid_schema", "1210", None),
    "too long": Wrong(chat(messages=said("word " * 60_000)), 400, "context_length_exceeded", "1261", "messages"),
    "unknown model": Wrong(chat(model="no-such-model"), 404, "model_not_found", "1211", "model"),
    "a vector model for chat": Wrong(chat(model="embedding-3"), 400, "unsupported_value", "1212", "model"),
    "token ids": Wrong(
        {"model": "embedding-3", "input": [[1, 2, 3]]}, 400, "invalid_value", "1210", "input", "/embeddings"
    ),
    "no input": Wrong(
        {"model": "embedding-3", "input": []}, 400, "missing_required_parameter", "1213", "input", "/embeddings"
    ),
    "no dimensions": Wrong(
        {"model": "embedding-3", "input": "x", "dimensions": 0},
        *(400, "invalid_value", "1210", "dimensions", "/embeddings"),
    ),
    "a chat model for vectors": Wrong(
        {"model": "glm-4.6", "input": "x"}, 400, "unsupported_value", "1212", "model", "/embeddings"
    ),
    "no prompt": Wrong({"model": "glm-4.6"}, 400, "missing_required_parameter", "1213", "prompt", "/completions"),
    "unknown path": Wrong(chat(), 404, "not_found", "1222", None, "/chat/nothing"),
    "not served": Wrong({"model": "x", "input": "x"}, 501, "unsupported_endpoint", "1222", None, "/responses"),
    "no images": Wrong({"prompt": "a cat"}, 501, "unsupported_endpoint", "1222", None, "/images/generations"),
}


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> str:
    """Each surface."""
    path: str = request.param
    return path


def assert_refused(reply: Reply, base: str, wrong: Wrong) -> None:
    """Fail where the answer is not the error that it should be, in the one form that both worlds read."""
    assert reply.status == wrong.status, reply.body
    assert reply.headers["content-type"].startswith("application/json")
    error = reply.error
    own, other = (wrong.code, wrong.zai_code) if base == "/v1" else (wrong.zai_code, wrong.code)
    assert error["code"] == own, error
    assert reply.headers["x-glm-code"] == other
    assert error["param"] == wrong.param, error
    assert error["message"]
    assert error["type"]
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused(served: Served, base: str, case: str) -> None:
    """Status, code in both vocabularies, the member that was wrong (contract 3.5)."""
    wrong = WRONG[case]
    assert_refused(reply_of(served, wrong.body, base=base, path=wrong.path), base, wrong)  # type: ignore[arg-type]  # bodies of every kind are the point


@pytest.mark.parametrize("case", WRONG)
def test_a_refusal_tells_nothing_of_our_inside(served: Served, case: str) -> None:
    """No file, no process, no words of a library."""
    wrong = WRONG[case]
    reply = ask(served.place, "POST", "/v1" + wrong.path, wrong.body)
    assert not LEAKS.search(reply.body.decode())


@pytest.mark.parametrize("case", WRONG)
def test_a_stream_is_refused_with_a_status(served: Served, case: str) -> None:
    """What is wrong is known before the headers leave, so it has a status of its own there too."""
    wrong = WRONG[case]
    if not isinstance(wrong.body, dict):
        return
    reply = ask(served.place, "POST", "/v1" + wrong.path, wrong.body | {"stream": True})
    assert reply.status == wrong.status


def test_the_engine_lives_after_all_of_them(served: Served) -> None:
    """The same child answers before and after; none of them broke it."""
    assert reply_of(served, chat(max_tokens=1)).status == 200
    before = served.engines()
    for wrong in WRONG.values():
        ask(served.place, "POST", "/v1" + wrong.path, wrong.body)
    assert reply_of(served, chat(max_tokens=1)).status == 200
    assert served.engines() == before


def texts() -> Iterator[object]:
    """Texts that a parser or a tokenizer may stumble over."""
    yield pytest.param('"\\ud800"', 400, id="a lone surrogate")
    yield pytest.param('"\\u0000"', 200, id="a nul")
    yield pytest.param('"<|user|><|assistant|><think>"', 200, id="special tokens")
    yield pytest.param('"\U0001f600 \u4f60\u597d \u202e"', 200, id="other scripts")
    yield pytest.param('""', 200, id="nothing")
    yield pytest.param('"' + "\\ufdd0\\uffff" + '"', 200, id="noncharacters")


@pytest.mark.parametrize(("text", "status"), list(texts()))
def test_strange_texts(served: Served, text: str, status: int) -> None:
    """Each is answered, or refused as the caller's fault; never a fault of ours."""
    body = f'{{"model": "glm-4.6", "max_tokens": 1, "messages": [{{"role": "user", "content": {text}}}]}}'
    reply = ask(served.place, "POST", "/v1/chat/completions", body.encode())
    assert reply.status == status, reply.body


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_json_is_refused(served: Served, opening: bytes) -> None:
    """A body of brackets is no reason to end the process."""
    reply = ask(served.place, "POST", "/v1/chat/completions", opening * 100_000)
    assert reply.status == 400


def test_a_compressed_body_is_refused(served: Served, base: str) -> None:
    """Because what it grows to is not known before."""
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(chat()).encode())
    reply = ask(served.place, "POST", f"{base}/chat/completions", body, headers=headers)
    assert_refused(reply, base, Wrong(None, 415, "unsupported_content_encoding", "1210"))


def test_a_large_body_is_refused(served: Served, base: str) -> None:
    """Over 32 MiB; it is known from its length, before it is sent."""
    headers = {"Content-Length": str(33 * 1024 * 1024)}
    reply = ask(served.place, "POST", f"{base}/chat/completions", b"{", headers=headers)
    assert_refused(reply, base, Wrong(None, 413, "request_too_large", "1210"))


def test_a_wrong_method_is_refused(served: Served, base: str) -> None:
    """With the methods that there are."""
    reply = ask(served.place, "DELETE", f"{base}/embeddings")
    assert_refused(reply, base, Wrong(None, 405, "method_not_allowed", "1212"))
    assert "POST" in reply.headers["allow"].split(", ")


def test_strict_calls_refuse_what_changes_the_answer(served: Served, base: str) -> None:
    """Who asks for strictness is told instead of being served something else."""
    body = chat(model="glmgate-tiny", tools=[{"type": "web_browser"}], glmgate={"strict": True}, **CALM)
    reply = reply_of(served, body, base=base)
    assert reply.status == 400
    assert "tools" in reply.error["param"]


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/api/paas/v4/nothing", "/api/x", "/favicon.ico"])
def test_unknown_paths_answer_json(served: Served, path: str) -> None:
    """Never HTML."""
    reply = ask(served.place, "GET", path)
    assert reply.status == 404
    assert reply.error["message"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json", "/", "/metrics"])
def test_paths_for_operators(served: Served, path: str) -> None:
    """Each answers, and is named by a request id."""
    reply = ask(served.place, "GET", path)
    assert reply.status == 200
    assert reply.headers["x-request-id"]
