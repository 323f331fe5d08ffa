"""The services themselves: each is as strict as the one that it stands for, so that no row passes by a lax fake."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.services import (
    BREAKS,
    KEYS,
    Answer,
    Break,
    BreakKind,
    ScriptedCall,
    ScriptedTool,
    Service,
    ServiceName,
    running,
    vector_of,
)
from tests.services.breaks import EARLY, Framing
from tests.stories.asking import Place, Reply, ask, asking

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
SYSTEM: dict[str, Any] = {"role": "system", "content": "Be brief."}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS: list[dict[str, Any]] = [{"type": "function", "function": WEATHER}]
IMAGE = "aGVsbG8="
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"age": {"type": "integer"}}}


@pytest.fixture
def zai() -> Iterator[Service]:
    """Z.AI."""
    with running("zai") as found:
        yield found


@pytest.fixture
def vllm() -> Iterator[Service]:
    """vLLM."""
    with running("vllm") as found:
        yield found


def post(service: Service, body: object, *, path: str = "/chat/completions", key: str = KEYS[0]) -> Reply:
    """The service's answer."""
    url = urlsplit(service.base_url)
    assert url.port is not None
    return ask(Place(url.port, f"Bearer {key}"), "POST", url.path + path, body)


def chat(service: Service, model: str = "glm-4.6", **members: Any) -> Reply:
    """Its answer to a chat."""
    return post(service, {"model": model, "messages": HELLO} | members)


def code_of(reply: Reply) -> Any:
    """The code of its refusal."""
    return reply.error["code"] if reply.status != 200 else None


def image(url: str, **members: Any) -> list[dict[str, Any]]:
    """A message with an image."""
    part = {"type": "image_url", "image_url": {"url": url} | members}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]


def function(**members: Any) -> list[dict[str, Any]]:
    """A tool with these members beside its own."""
    return [{"type": "function", "function": WEATHER | members}]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"temperature": 1.7}, "1210"),
        ({"temperature": -0.1}, "1210"),
        ({"top_p": 0}, "1210"),
        ({"top_p": 1.1}, "1210"),
        ({"max_tokens": 131_073}, "1210"),
        ({"max_tokens": 0}, "1210"),
        ({"model": "glm-4.5", "max_tokens": 98_305}, "1210"),
        ({"model": "gpt-4o"}, "1211"),
        ({"model": "glm-4-plus", "temperature": 0}, "1214"),
        ({"model": "glm-4-plus", "top_p": 1}, "1214"),
        ({"messages": []}, "1213"),
        ({"messages": [{"role": "developer", "content": "Be brief."}, *HELLO]}, "1214"),
        ({"messages": [{"role": "function", "name": "f", "content": "1"}, *HELLO]}, "1214"),
        ({"messages": [SYSTEM]}, "1214"),
        ({"messages": [*HELLO, {"role": "assistant", "content": None, "tool_calls": []}]}, "1213"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}, "1210"),
        ({"messages": [*HELLO, {"role": "tool", "content": "1"}]}, "1214"),
        ({"tools": TOOLS, "tool_choice": "required"}, "1210"),
        ({"tools": TOOLS, "tool_choice": "none"}, "1210"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}, "1210"),
        ({"tool_choice": "auto"}, "1210"),
        ({"tools": []}, "1210"),
        ({"tools": TOOLS * 129}, "1210"),
        ({"tools": function(strict=True)}, "1210"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "1210"),
        ({"tools": function(name="no spaces")}, "1210"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "1210"),
        ({"stop": ["a", "b"]}, "1210"),
        ({"stop": "a"}, "1210"),
        ({"user_id": "short"}, "1214"),
        ({"user_id": "x" * 129}, "1214"),
        ({"request_id": "short"}, "1214"),
        ({"response_format": {"type": "xml"}}, "1210"),
        ({"thinking": {"type": "auto"}}, "1210"),
        ({"model": "glm-5.3", "thinking": {"type": "disabled"}}, "1210"),
        ({"model": "glm-5.3", "reasoning_effort": "medium"}, "1210"),
        ({"model": "glm-4.6v", "messages": image(f"data:image/png;base64,{IMAGE}")}, "1210"),
        ({"model": "glm-4.6v", "messages": image(IMAGE, detail="high")}, "1210"),
        ({"model": "glm-4.6", "messages": image(IMAGE)}, "1210"),
        ({"temperature": 1, "top_p": 0.01, "max_tokens": 131_072}, None),
        ({"model": "GLM-4.6"}, None),
        ({"model": "glm-4.6v", "messages": image(IMAGE)}, None),
        ({"tools": TOOLS, "tool_choice": "auto", "tool_stream": True}, None),
        ({"do_sample": False, "seed": 1, "user_id": "somebody", "stop": ["a"]}, None),
    ],
)
def test_what_glm_refuses(zai: Service, members: dict[str, Any], code: str | None) -> None:
    """With the code of the table in contract 3.5, a string; what is right is answered and nothing of it ignored."""
    reply = chat(zai, **members)
    assert (reply.status, code_of(reply)) == (200 if code is None else 400, code)
    assert zai.ignored == []
    assert len(zai.refusals) == (code is not None)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}),
        *[("n", 2), ("logprobs", True), ("logit_bias", {"1": 1}), ("presence_penalty", 1), ("user", "somebody")],
        *[("max_completion_tokens", 5), ("parallel_tool_calls", False), ("functions", [WEATHER]), ("store", True)],
        *[("reasoning_effort", "high"), ("chat_template_kwargs", {"enable_thinking": False}), ("unheard", 1)],
    ],
)
def test_what_glm_drops_in_silence(zai: Service, member: str, value: object) -> None:
    """It answers 200, and the test can see what had no effect; a schema changes nothing (contract R1)."""
    zai.answer_with("It is warm.")
    reply = post(zai, {"model": "glm-4.6", "messages": HELLO, member: value})
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "It is warm."
    assert zai.ignored == [member]


def test_the_coding_plan_lets_thinking_be_turned_off() -> None:
    """Where the general surface refuses it (contract 3.1)."""
    with running("zai-coding") as service:
        reply = chat(service, "glm-5.3", thinking={"type": "disabled"})
        assert reply.status == 200
        assert "reasoning_content" not in reply.json["choices"][0]["message"]
        assert "/api/coding/" in service.base_url


def test_a_credential_is_needed(zai: Service) -> None:
    """An unknown one is 401 with GLM's code."""
    assert code_of(post(zai, {"model": "glm-4.6", "messages": HELLO}, key="client.secret")) == "1000"


def test_a_plain_answer_of_glm(zai: Service) -> None:
    """The members that were recorded (contract 3.2): id is request_id, content is "" beside calls."""
    zai.answer_with(Answer(calls=(ScriptedCall("get_weather", {"city": "Oslo"}),)))
    body = chat(zai, tools=TOOLS, request_id="request-1").json
    (choice,) = body["choices"]
    assert body["id"] == body["request_id"] == "request-1"
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ""
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


def test_a_stream_of_glm(zai: Service) -> None:
    """Either text or reasoning in a delta, a reason and usage on the last chunk only (contract 3.3)."""
    chunks = chat(zai, stream=True).stream.chunks
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert not any({"content", "reasoning_content"} <= delta.keys() for delta in deltas)
    assert ["finish_reason" in chunk["choices"][0] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert "".join(delta.get("content", "") for delta in deltas) == "Hello from the service."


@pytest.mark.parametrize(("tool_stream", "count"), [(None, 1), (True, 5)])
def test_a_streamed_call_of_glm(zai: Service, tool_stream: bool | None, count: int) -> None:
    """Whole in one chunk, or in pieces with `tool_stream`; only of tools that are offered."""
    call = ScriptedCall("get_weather", {"city": "Oslo"})
    zai.answer_with(Answer("", calls=(call, ScriptedCall("unknown"))))
    chunks = chat(zai, stream=True, tools=TOOLS, tool_stream=tool_stream).stream.chunks
    pieces = [chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks]
    assert len([piece for piece in pieces if piece]) == count
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def runs(*tools: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A request to a model that runs tools of its own."""
    return {"model": "glm-4-alltools", "messages": HELLO, "tools": list(tools)} | members


CODE = ScriptedTool("code_interpreter", "print(6 * 7)", ({"type": "logs", "logs": "42"},))
BROWSE = ScriptedTool("web_browser", "Oslo", ({"title": "Oslo", "link": "x", "content": "Rain."},), in_one=True)
SANDBOX: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"sandbox": "auto"}}


@pytest.mark.parametrize(
    ("tool", "code"),
    [
        (SANDBOX, None),
        ({"type": "code_interpreter"}, None),
        ({"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}}, None),
        ({"type": "code_interpreter", "code_interpreter": {"sandbox": "mine"}}, "1210"),
        ({"type": "code_interpreter", "code_interpreter": {"box": "auto"}}, "1210"),
        ({"type": "code_interpreter", "code_interpreter": "auto"}, "1210"),
        ({"type": "code_interpreter", "sandbox": "auto"}, "1210"),
        ({"type": "web_browser"}, None),
        ({"type": "web_browser", "web_browser": {}}, None),
        ({"type": "web_browser", "web_browser": {"page": 1}}, "1210"),
        ({"type": "drawing_tool", "drawing_tool": {}}, None),
        ({"type": "drawing_tool", "web_browser": {}}, "1210"),
        ({"type": "shell"}, "1210"),
    ],
)
def test_which_tools_of_its_own_glm_takes(zai: Service, tool: dict[str, Any], code: str | None) -> None:
    """Contract 3.1: with or without an object of their own, which may say what it knows."""
    reply = post(zai, runs(tool))
    assert (reply.error["code"] if reply.status == 400 else None) == code


def test_only_some_models_of_glm_have_such_tools(zai: Service) -> None:
    """Others refuse the type."""
    assert post(zai, runs(SANDBOX, model="glm-4.6")).error["code"] == "1210"


@pytest.mark.parametrize(
    ("call", "model", "status"),
    [
        ({"type": "code_interpreter", "code_interpreter": {"input": "1"}}, "glm-4-alltools", 200),
        ({"type": "code_interpreter", "code_interpreter": "1"}, "glm-4-alltools", 400),
        ({"type": "code_interpreter", "code_interpreter": {"input": "1"}}, "glm-4.6", 400),
    ],
)
def test_which_calls_of_the_history_glm_takes(zai: Service, call: dict[str, Any], model: str, status: int) -> None:
    """Those of its own tools only where it has them, and with their object."""
    said = {"role": "assistant", "content": "", "tool_calls": [call]}
    assert post(zai, {"model": model, "messages": [*HELLO, said, *HELLO]}).status == status


def test_glm_runs_code(zai: Service) -> None:
    """Contract 3.4: whole, or what is put in piece by piece, then what came out; the id once, then words."""
    zai.answer_with(Answer("It is 42.", calls=(CODE,)), always=True)
    whole = post(zai, runs(SANDBOX)).json["choices"][0]
    body = {"input": CODE.input, "outputs": [{"type": "logs", "logs": "42"}]}
    call = {"id": "call_-99070", "type": "code_interpreter", "code_interpreter": body}
    assert whole["message"]["tool_calls"] == [{"index": 0} | call]
    assert (whole["message"]["content"], whole["finish_reason"]) == ("It is 42.", "stop")
    deltas = [chunk["choices"][0]["delta"] for chunk in post(zai, runs(SANDBOX, stream=True)).stream.chunks]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    assert [piece["code_interpreter"] for piece in pieces] == [
        *({"input": text} for text in ("prin", "t(6 ", "* 7)")),
        {"outputs": body["outputs"]},
    ]
    assert [piece.get("id") for piece in pieces] == ["call_-99070", None, None, None]
    assert all("index" not in piece for piece in pieces)


def test_glm_does_not_run_code_that_is_the_callers(zai: Service) -> None:
    """Contract 3.4: with `sandbox: none` it writes it in two pieces or more, and ends with calls."""
    zai.answer_with(Answer(calls=(CODE,)))
    tool = {"type": "code_interpreter", "code_interpreter": {"sandbox": "none"}}
    chunks = post(zai, runs(tool, stream=True)).stream.chunks
    pieces = [piece for chunk in chunks for piece in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert len(pieces) >= 2
    assert all(piece["code_interpreter"].keys() == {"input"} for piece in pieces)
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_glm_calls_tools_of_both_kinds(zai: Service) -> None:
    """What it has run comes before its words, what it asks for behind them; what is not offered is not called."""
    function = ScriptedCall("get_weather", {"city": "Oslo"})
    zai.answer_with(Answer("Look.", reasoning="", calls=(function, BROWSE, CODE)))
    chunks = post(zai, runs({"type": "web_browser"}, *TOOLS, stream=True)).stream.chunks
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    said = [delta["tool_calls"][0]["type"] if "tool_calls" in delta else delta["content"] for delta in deltas]
    assert said == ["web_browser", "Look.", "function", ""]
    assert deltas[0]["tool_calls"][0]["web_browser"].keys() == {"input", "outputs"}


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([{"role": "tool", "tool_call_id": "1", "content": "x"}], 400),
        ([{"role": "assistant", "content": "x"}, {"role": "tool", "tool_call_id": "1", "content": "x"}], 400),
        (
            [{"role": "assistant", "tool_calls": [{"id": "1"}]}, {"role": "tool", "tool_call_id": "1", "content": "x"}],
            200,
        ),
        ([{"role": "assistant", "tool_calls": [{"id": "1"}]}, {"role": "user", "content": "x"}], 400),
    ],
)
def test_openai_pairs_calls_and_results(messages: list[dict[str, Any]], status: int) -> None:
    """Each result answers a call, and each call has one."""
    with running("openai") as openai:
        assert post(openai, {"model": "gpt-4o", "messages": [*HELLO, *messages]}).status == status


def test_thinking_eats_a_small_limit(zai: Service) -> None:
    """Contract N13: content is empty and the answer ended by its length; without thinking it has text."""
    eaten = chat(zai, max_tokens=3).json["choices"][0]
    assert (eaten["message"]["content"], eaten["finish_reason"]) == ("", "length")
    spoken = chat(zai, max_tokens=3, thinking={"type": "disabled"}).json["choices"][0]
    assert spoken["message"]["content"] == "Hello from the "


def test_a_stop_ends_an_answer(zai: Service) -> None:
    """The one that is sent."""
    assert chat(zai, stop=["from"]).json["choices"][0]["message"]["content"] == "Hello "


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"input": ["a"] * 65}, "1214"),
        ({"input": [1, 2]}, "1214"),
        ({"input": []}, "1214"),
        ({"dimensions": 1536}, "1214"),
        ({"model": "text-embedding-3-small"}, "1211"),
        ({"input": ["a"] * 64, "dimensions": 512}, None),
    ],
)
def test_what_glms_embeddings_refuse(zai: Service, members: dict[str, Any], code: str | None) -> None:
    """More than 64 texts, token ids, other dimensions than its own (contract 4.1)."""
    reply = post(zai, {"model": "embedding-3", "input": "a"} | members, path="/embeddings")
    assert code_of(reply) == code


def test_glms_vectors(zai: Service) -> None:
    """Numbers whatever is asked for (contract E1), the same for the same text."""
    body = {"model": "embedding-3", "input": ["a", "b"], "encoding_format": "base64"}
    data = post(zai, body, path="/embeddings").json["data"]
    assert data[1]["embedding"] == vector_of('"b"', 2048)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"top_p": 0}, 400),
        ({"max_tokens": 40_000}, 400),
        ({"tools": []}, 400),
        ({"messages": image(IMAGE)}, 400),
        ({"messages": image(f"data:image/png;base64,{IMAGE}")}, 200),
        ({"tool_choice": "auto"}, 400),
        ({"temperature": 0, "n": 2}, 400),
        ({"temperature": 0.1, "n": 2}, 200),
        ({"temperature": 2, "stop": ["a", "b", "c", "d", "e"]}, 200),
    ],
)
def test_what_vllm_refuses(vllm: Service, members: dict[str, Any], status: int) -> None:
    """With numbers for codes (distributed facts 2)."""
    reply = chat(vllm, **members)
    assert (reply.status, code_of(reply)) == (status, None if status == 200 else status)


@pytest.mark.parametrize("member", ["thinking", "do_sample", "user_id", "tool_stream"])
def test_what_vllm_drops_in_silence(vllm: Service, member: str) -> None:
    """GLM's own members, and reasoning under GLM's name in the history."""
    value = {"type": "disabled"} if member == "thinking" else True
    assert post(vllm, {"model": "m", "messages": HELLO, member: value}).status == 200
    assert vllm.ignored == [member]


def test_a_role_that_no_template_knows(vllm: Service) -> None:
    """It is answered, and what was said in that role is not in the prompt."""
    assert chat(vllm, messages=[{"role": "developer", "content": "Be brief."}, *HELLO]).status == 200
    assert vllm.ignored == ["messages[0].role"]


def test_reasoning_has_another_name_at_vllm(vllm: Service) -> None:
    """`reasoning` in and out; `reasoning_content` is dropped."""
    told = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_content": "Hm", "reasoning": "Hm"}, *HELLO]
    message = chat(vllm, messages=told).json["choices"][0]["message"]
    assert (message["reasoning"], "reasoning_content" in message) == ("A short thought. ", False)
    assert vllm.ignored == ["messages[1].reasoning_content"]


@pytest.mark.parametrize("off", [{"chat_template_kwargs": {"enable_thinking": False}}, {"reasoning_effort": "none"}])
def test_constraints_of_vllm_come_after_thinking(vllm: Service, off: dict[str, Any]) -> None:
    """With thinking on a required call never comes, nor the JSON of a schema; with it off both do."""
    required: dict[str, Any] = {"tools": TOOLS, "tool_choice": "required"}
    form: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
    for members in (required, form):
        (choice,) = chat(vllm, **members).json["choices"]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("length", None)
        assert "tool_calls" not in choice["message"]
    assert chat(vllm, **required, **off).json["choices"][0]["message"]["tool_calls"]
    assert json.loads(chat(vllm, **form, **off).json["choices"][0]["message"]["content"]) == {"age": 1}


def test_a_streamed_call_of_vllm(vllm: Service) -> None:
    """The first piece has no arguments; the last delta is empty; usage only where it was asked for."""
    vllm.answer_with(Answer("", calls=(ScriptedCall("get_weather", {"city": "Oslo"}),)))
    chunks = chat(vllm, stream=True, tools=TOOLS).stream.chunks
    first = next(chunk for chunk in chunks if "tool_calls" in chunk["choices"][0]["delta"])
    assert "arguments" not in first["choices"][0]["delta"]["tool_calls"][0]["function"]
    assert (chunks[-1]["choices"][0]["delta"], "usage" in chunks[-1]) == ({}, False)
    asked = chat(vllm, stream=True, stream_options={"include_usage": True}).stream.chunks
    assert (asked[-1]["choices"], asked[-1]["usage"]["prompt_tokens_details"]) == ([], None)


def test_vllm_names_its_answers_after_requests(vllm: Service) -> None:
    """`request_id` becomes a part of the id."""
    assert chat(vllm, request_id="r1").json["id"] == "chatcmpl-r1"


def test_vllm_embeds_in_one_size(vllm: Service) -> None:
    """`dimensions` is 400, base64 is made."""
    body = {"model": "m", "input": "a", "encoding_format": "base64"}
    assert isinstance(post(vllm, body, path="/embeddings").json["data"][0]["embedding"], str)
    assert post(vllm, body | {"dimensions": 512}, path="/embeddings").status == 400


@pytest.mark.parametrize("member", ["thinking", "do_sample", "user_id", "request_id", "top_k", "chat_template_kwargs"])
def test_openai_refuses_what_it_does_not_know(member: str) -> None:
    """At the top and in messages."""
    with running("openai") as service:
        assert chat(service, "gpt-4o", **{member: 1}).status == 400
        told = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_content": "Hm"}, *HELLO]
        assert chat(service, "gpt-4o", messages=told).status == 400
        assert chat(service, "gpt-4o", stop=["a"] * 5).status == 400


@pytest.mark.parametrize(
    ("name", "members", "path"),
    [
        ("ollama", {"tools": TOOLS, "tool_choice": "required"}, "tool_choice"),
        ("ollama", {"n": 2}, "n"),
        (
            "llama-server",
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
            "tool_choice",
        ),
        ("sglang", {"thinking": {"type": "disabled"}}, "thinking"),
        ("generic", {"top_k": 4}, "top_k"),
    ],
)
def test_what_local_services_drop_in_silence(name: ServiceName, members: dict[str, Any], path: str) -> None:
    """Each has members that it does not obey."""
    with running(name) as service:
        assert chat(service, **members).status == 200
        assert service.ignored == [path]


def test_llama_server_makes_one_choice() -> None:
    """More are 400, in its own form."""
    with running("llama-server") as service:
        assert chat(service, n=2).error["type"] == "invalid_request_error"


def test_sglang_writes_errors_without_a_wrapper() -> None:
    """The members stand at the top."""
    with running("sglang") as service:
        assert chat(service, top_p=0).json["object"] == "error"


@pytest.mark.parametrize("framing", ["each", "bytes", "merged", "glued", "halved", "crlf", "tight"])
def test_framings_hold_the_same(zai: Service, framing: Framing) -> None:
    """However a stream is cut into events, its JSON is all there."""
    zai.framing = framing
    body = chat(zai, stream=True).body
    text = body.replace(b"\r\n", b"\n").replace(b'\n\ndata: "choices"', b'"choices"')
    for piece in ("Hello ", "from ", "the ", "service."):
        assert json.dumps(piece).encode() in text


@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize("kind", [kind for kind in BREAKS if kind != "stall"])
def test_breaks_never_look_whole(zai: Service, kind: BreakKind, after: int) -> None:
    """A broken stream ends in a failure of HTTP, or without a chunk that ends an answer which said something."""
    zai.break_stream(Break(kind, after))
    url = urlsplit(zai.base_url)
    assert url.port is not None
    received = b""
    path = f"{url.path}/chat/completions"
    body = {"model": "glm-4.6", "messages": HELLO, "stream": True}
    broken = False
    try:
        with asking(Place(url.port, f"Bearer {KEYS[0]}"), path, body) as response:
            while piece := response.read1():
                received += piece
    except (HTTPException, OSError):
        broken = True
    assert broken or b'"finish_reason"' not in received or kind == "empty_stop"
    if kind not in EARLY and kind != "reset":
        assert received.count(b'"role": "assistant"') >= after
    if kind == "empty_stop":
        assert b'"content": "Hello' not in received


def test_a_stalled_stream_says_nothing_more(zai: Service) -> None:
    """It is open until the other side goes, and the service knows when that was."""
    zai.break_stream(Break("stall", 1))
    url = urlsplit(zai.base_url)
    assert url.port is not None
    body = {"model": "glm-4.6", "messages": HELLO, "stream": True}
    with asking(Place(url.port, f"Bearer {KEYS[0]}"), f"{url.path}/chat/completions", body) as response:
        assert b"reasoning_content" in response.readline()
    gone = time.monotonic()
    while zai.last.left_at is None:
        assert time.monotonic() < gone + 2
        time.sleep(0.001)


def test_one_at_a_time(zai: Service) -> None:
    """More than allowed are refused with 1302."""
    zai.allow(concurrent=1)
    zai.slow(first_s=0.2)
    with ThreadPoolExecutor(3) as pool:
        codes = [code_of(reply) for reply in pool.map(lambda _: chat(zai), range(3))]
    assert sorted(codes, key=str) == ["1302", "1302", None]


def test_failures_are_for_whom_they_are_meant(zai: Service) -> None:
    """A credential, a model, so many times."""
    zai.fail_with(429, code="1113", key=KEYS[0], times=None)
    zai.fail_with(500, code="1234", model="glm-4.5", times=1)
    body = {"model": "glm-4.5", "messages": HELLO}
    assert [code_of(post(zai, body, key=KEYS[0])) for _ in range(2)] == ["1113", "1113"]
    assert [code_of(post(zai, body, key=KEYS[1])) for _ in range(2)] == ["1234", None]


def test_a_request_in_flight_twice_is_a_conflict(zai: Service) -> None:
    """Contract 3.5, 1231."""
    zai.slow(first_s=0.2)
    with ThreadPoolExecutor(2) as pool, suppress(OSError):
        codes = list(pool.map(lambda _: code_of(chat(zai, request_id="request-1")), range(2)))
    assert sorted(codes, key=str) == ["1231", None]
