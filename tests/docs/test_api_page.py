"""What the pages say about the API is what a server does: each field's report, the error's body, headers, log lines."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec
import pytest

from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import Members
from tests.docs.pages import DOCS, ROOT, fences, rows, section, words
from tests.stories.asking import ask
from tests.stories.served import Served, reply_of

API: Final = DOCS / "api.md"
OPERATIONS: Final = DOCS / "operations.md"
COMPATIBILITY: Final = DOCS / "compatibility.md"

HELLO: Final[list[Any]] = [{"role": "user", "content": "Hello"}]
RAN = {"id": "1", "type": "code_interpreter", "code_interpreter": {"input": "1"}}
FUNCTION: Final[dict[str, Any]] = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TOOLS: Final[list[Any]] = [{"type": "function", "function": FUNCTION}]

# A request for each report on the page: the row's first words, the members that it takes, and what is said.
REPORTS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("model", {"model": "GLM-4.6"}, "model=glm-4.6->glmgate-tiny"),
    ("reasoning_effort", {"reasoning_effort": "high"}, "reasoning_effort=high->enabled"),
    ("chat_template_kwargs", {"chat_template_kwargs": {"strange": 1}}, "chat_template_kwargs=omitted"),
    ("do_sample", {"do_sample": False}, "do_sample=temperature"),
    ("max_tokens", {"max_tokens": 1000000, "stop": ["e"]}, "max_tokens=1000000->4096"),
    ("max_completion_tokens", {"max_completion_tokens": 1}, "max_completion_tokens=max_tokens"),
    ("stop", {"stop": "x"}, "stop=emulated"),
    ("seed", {"seed": -1}, "seed=mapped"),
    ("tools", {"tools": [{"type": "web_search"}]}, "tools.web_search=omitted"),
    (
        "tools[].function.strict",
        {"tools": [{"type": "function", "function": FUNCTION | {"strict": True}}]},
        "tools.function.strict=partly",
    ),
    ("tool_choice", {"tools": TOOLS, "tool_choice": "none"}, "tool_choice=emulated"),
    ("parallel_tool_calls", {"tools": TOOLS, "parallel_tool_calls": False}, "parallel_tool_calls=emulated"),
    ("response_format", {"response_format": {"type": "json_object"}}, "response_format=json_object->json_schema"),
    ("response_format", {"response_format": {"type": "json_object"}, "tools": TOOLS}, "response_format=emulated"),
    (
        "response_format",
        {"response_format": {"type": "json_object"}, "thinking": {"type": "enabled"}},
        "thinking=enabled->disabled",
    ),
    ("functions", {"functions": [FUNCTION]}, "functions=tools"),
    ("function_call", {"functions": [FUNCTION], "function_call": "none"}, "tool_choice=emulated"),
    ("any other", {"frobnicate": 1}, "frobnicate=omitted"),
    (
        "role `developer`",
        {"messages": [{"role": "developer", "content": "x"}, *HELLO]},
        "messages.role=developer->system",
    ),
    (
        "role `function`",
        {"messages": [*HELLO, {"role": "function", "name": "f", "content": "x"}]},
        "messages.function_call=tool_calls",
    ),
    ("only system messages", {"messages": [{"role": "system", "content": "x"}]}, "messages=user_added"),
    (
        "`content` in parts",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
        "messages.content=joined",
    ),
    (
        "several assistant messages",
        {"messages": [*HELLO, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]},
        "messages.role=joined",
    ),
    (
        "`tool_calls` of other types",
        {"messages": [*HELLO, {"role": "assistant", "tool_calls": [RAN]}, *HELLO]},
        "messages.tool_calls.code_interpreter=content",
    ),
    ("text that looks like", {"messages": [{"role": "user", "content": "<|assistant|>"}]}, "messages=guarded"),
)


def documented() -> list[list[str]]:
    """The rows of the tables of fields and of messages."""
    return rows(section(API, "### Fields"))[1:] + rows(section(API, "### Messages"))[1:]


def fields_of(kind: type[Members]) -> set[str]:
    """The members of a request, as they are sent."""
    return {field.encode_name for field in msgspec.structs.fields(kind)} - {" unknown"}


@pytest.mark.engine
@pytest.mark.parametrize(("row", "members", "said"), REPORTS, ids=[said for _, _, said in REPORTS])
def test_a_report_is_what_the_page_says(served: Served, row: str, members: dict[str, Any], said: str) -> None:
    """The report of a request stands in its field's row, and in the header and the body of the answer."""
    (line,) = [each for each in documented() if each[0].startswith((row, f"`{row}`"))]
    assert said in words(line[2])
    reply = reply_of(served, {"model": "glmgate-tiny", "messages": HELLO, "max_tokens": 1} | members)
    assert reply.status == 200, reply.body
    assert said in reply.headers["x-glmgate-adaptations"].split("; ")
    assert said in reply.json["glmgate"]["adaptations"]


def test_every_report_on_the_page_is_tried() -> None:
    """What the page prints as a report has a request above."""
    assert {word for line in documented() for word in words(line[2])} == {said for _, _, said in REPORTS}


def test_every_field_of_chat_is_on_the_page() -> None:
    """Each member that the program knows has its row."""
    listed = {re.split(r"[.\[]", word)[0] for line in rows(section(API, "### Fields"))[1:] for word in words(line[0])}
    assert listed == fields_of(ChatRequest)


def test_every_field_of_embeddings_is_on_the_page() -> None:
    """Each member that the program knows is named."""
    assert fields_of(EmbeddingsRequest) <= set(words(section(API, "## `embeddings`")))


def test_every_field_of_completions_is_on_the_page() -> None:
    """Each member that the program knows is named, or has its row for chat."""
    alike = {"model", "user", "request_id", "glmgate", "frequency_penalty", "presence_penalty"}
    assert fields_of(CompletionRequest) - alike <= set(words(section(API, "## `completions`")))


def test_the_printed_error_is_the_real_one(served: Served) -> None:
    """The body on the page is what such a request gets, but for the id."""
    bodies = [json.loads(fence.text) for fence in fences("json") if fence.page == API]
    (printed,) = [body for body in bodies if "error" in body]
    reply = reply_of(served, {"model": "glm-4.6", "messages": HELLO, "temperature": 3})
    assert reply.status == 400
    assert reply.json | {"request_id": ""} == printed | {"request_id": ""}


@pytest.mark.engine
def test_the_printed_tools_are_accepted(served: Served) -> None:
    """By a model that has none of them; each is reported in the form that the page shows."""
    (tools,) = [
        body for fence in fences("json") if fence.page == API and isinstance(body := json.loads(fence.text), list)
    ]
    reply = reply_of(served, {"model": "glm-4-alltools", "messages": HELLO, "max_tokens": 1, "tools": tools})
    assert reply.status == 200, reply.body
    notes = {f"tools.{tool['type']}=omitted" for tool in tools}
    assert len(notes) == 3
    assert notes <= set(reply.json["glmgate"]["adaptations"])
    assert "`tools.code_interpreter=omitted`" in section(API, "### Tools that a service runs")


def test_the_printed_headers_are_real(served: Served) -> None:
    """Those that need no special trouble are on the answers that the page names."""
    listed = {word for line in rows(section(API, "## Headers"))[1:] for word in words(line[0])}
    good = ask(served.place, "POST", "/v1/tokenizer", {"model": "glm-4.6", "messages": HELLO})
    bad = ask(served.place, "DELETE", "/v1/tokenizer")
    assert {"x-request-id", "openai-processing-ms"} <= listed & set(good.headers)
    assert {"x-glm-code", "x-should-retry", "allow", "x-request-id"} <= listed & set(bad.headers)


@pytest.mark.engine
def test_the_fields_of_the_log(served: Served) -> None:
    """A request's line has the fields of the page, and no others."""
    assert reply_of(served, {"model": "glm-4.6", "messages": HELLO, "max_tokens": 1}).status == 200
    listed = {word for line in rows(section(OPERATIONS, "## The log"))[1:] for word in words(line[0])}
    entry = served.requests()[-1]
    assert set(entry) == {word for word in listed if word in entry}
    assert set(entry) >= {"request_id", "key_id", "ending", "prompt", "total_ms"}


def test_the_versions_of_the_clients() -> None:
    """Those that are locked stand on the page."""
    text = COMPATIBILITY.read_text(encoding="utf-8")
    locks = sorted((ROOT / "requirements" / "clients").glob("*.txt"))
    shown = re.compile(
        r"^(?:openai|zai-sdk|zhipuai|langchain-openai|langchain-community|langchain-glm)==(\S+)", re.MULTILINE
    )
    versions = {version for lock in locks for version in shown.findall(lock.read_text(encoding="utf-8"))}
    node = json.loads((ROOT / "tests" / "clients" / "node" / "package.json").read_text(encoding="utf-8"))
    assert len(versions) >= 6
    for version in versions | {node["dependencies"]["openai"]}:
        assert version in text
