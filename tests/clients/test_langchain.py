"""LangChain of today against us: its OpenAI classes, and the community's ChatZhipuAI with its bare token."""

from __future__ import annotations

import pytest

from tests.clients.running import Report, run_script
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
    return run_script("langchain", "langchain", served.base(base), served.key)


def test_an_answer(report: Report) -> None:
    """A message with text and usage."""
    told = report.gave("invoke")
    assert told["content"]
    assert told["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("story", ["stream", "stream_usage"])
def test_usage_of_a_stream_is_counted_once(report: Report, story: str) -> None:
    """LangChain sums the usage of all chunks, so that usage twice would be double (contract 0.2)."""
    usage = report.gave(story)["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] == report.gave("invoke")["usage"]["input_tokens"]


def test_any_tool(report: Report) -> None:
    """`tool_choice="any"` becomes `required`, which is enforced."""
    (call,) = report.gave("tool_any")["calls"]
    assert call["name"] == "get_weather"
    assert call["args"]["location"] in {"Beijing", "Shanghai"}


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(report: Report, method: str) -> None:
    """Both methods give an object of the class."""
    told = report.gave(method)
    assert told["verdict"] in {"yes", "no"}
    assert isinstance(told["certain"], bool)


def test_embeddings(report: Report) -> None:
    """Vectors of the size that the name has."""
    assert report.gave("documents") == [1536, 1536]


def test_a_token_without_bearer(report: Report) -> None:
    """ChatZhipuAI sends its token bare (contract 0.5), and is answered."""
    assert report.gave("community")["content"]


def test_a_stream_for_chat_zhipuai(report: Report, base: str) -> None:
    """It reads ours on GLM's surface, reasoning included; on OpenAI's a null text is what it raises on."""
    if base == "/api/paas/v4":
        assert report.gave("community_stream")["content"]
    else:
        assert report.raised("community_stream")["class"] == "ValidationError"
