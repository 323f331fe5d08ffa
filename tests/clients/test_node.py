"""OpenAI's client for Node: the same stories as for Python, where it differs in what it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.running import Report, run_node
from tests.clients.verdicts import reasons_of, text_of, usages_of
from tests.stories.served import Served

pytestmark = [pytest.mark.clients, pytest.mark.engine]


@pytest.fixture(scope="module", params=["/v1", "/api/paas/v4"])
def base(request: pytest.FixtureRequest) -> str:
    """Each surface."""
    path: str = request.param
    return path


@pytest.fixture(scope="module")
def report(served: Served, base: str) -> Report:
    """What the stories gave on one surface."""
    return run_node("stories.mjs", served.base(base), served.key)


def test_a_plain_answer(report: Report) -> None:
    """A message, a finish reason and usage."""
    answer = report.gave("plain")
    assert answer["choices"][0]["finish_reason"] in {"stop", "length"}
    assert answer["usage"]["total_tokens"] > 0


def test_the_request_id_reaches_the_caller(report: Report) -> None:
    """The SDK reads it from `x-request-id`."""
    assert report.gave("requestId")


def test_a_stream(report: Report) -> None:
    """It says what the plain answer says, and ends once with usage."""
    chunks = report.gave("stream")
    assert text_of(chunks) == report.gave("plain")["choices"][0]["message"]["content"]
    assert len(reasons_of(chunks)) == len(usages_of(chunks)) == 1


def test_thinking(report: Report) -> None:
    """Reasoning comes apart from the text."""
    chunks = report.gave("thinking")
    assert text_of(chunks, "reasoning_content").strip()
    assert text_of(chunks).strip()


def test_the_stream_helper(report: Report) -> None:
    """It folds our chunks into a completion, with usage."""
    told = report.gave("helper")
    assert told["final"]["choices"][0]["message"]["role"] == "assistant"
    assert told["usage"]["completion_tokens"] > 0


def test_a_call(report: Report) -> None:
    """A required call is made; its arguments are text."""
    assert_called(report.gave("tools")["choices"][0]["message"])


def test_a_streamed_call(report: Report) -> None:
    """The helper folds its pieces into a call."""
    assert_called(report.gave("toolsStreamed"))


def assert_called(message: dict[str, Any]) -> None:
    """Fail where the message is no call of the tool that there was."""
    call = message["tool_calls"][0]["function"]
    assert call["name"] == "get_weather"
    assert json.loads(call["arguments"])["location"] in {"Beijing", "Shanghai"}


def test_vectors_have_their_size(report: Report) -> None:
    """The SDK asks for base64; floats in its place would be read as a quarter of the dimensions (contract E1)."""
    assert [len(item["embedding"]) for item in report.gave("base64")] == [2048, 2048]


def test_base64_and_float_are_the_same_vectors(report: Report) -> None:
    """Whichever way they came."""
    for packed, plain in zip(report.gave("base64"), report.gave("float"), strict=True):
        assert packed["embedding"] == pytest.approx(plain["embedding"], rel=1e-6, abs=1e-9)


def test_dimensions(report: Report) -> None:
    """The size that is asked for."""
    assert [len(item["embedding"]) for item in report.gave("dimensions")] == [256, 256]


def test_the_list_of_models(report: Report) -> None:
    """What really answers."""
    assert "glmgate-tiny" in {model["id"] for model in report.gave("models")}


@pytest.mark.parametrize(
    ("story", "kind", "status", "word", "number"),
    [
        ("wrongSecret", "AuthenticationError", 401, "invalid_api_key", "1004"),
        ("noModel", "NotFoundError", 404, "model_not_found", "1211"),
        ("badTemperature", "BadRequestError", 400, "invalid_value", "1210"),
        ("unserved", "InternalServerError", 501, "unsupported_endpoint", "1222"),
    ],
)
def test_a_refusal_is_the_right_exception(
    report: Report, base: str, story: str, kind: str, status: int, word: str, number: str
) -> None:
    """Class, status and code in the surface's own vocabulary."""
    raised = report.raised(story)
    assert (raised["class"], raised["status"]) == (kind, status)
    assert raised["code"] == (word if base == "/v1" else number)
