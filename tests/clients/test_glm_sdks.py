"""GLM's own clients, each in its environment, with both ways of showing a key; and who is refused how."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.clients.environments import Name
from tests.clients.running import Report, run_script
from tests.clients.snippets import SPECIAL
from tests.clients.verdicts import calls_of, reasons_of, text_of, usages_of
from tests.stories.served import Served

pytestmark = [pytest.mark.clients, pytest.mark.engine]

both_ways = pytest.mark.parametrize("mode", ["raw", "signed"])


@pytest.fixture(scope="module", params=["zhipuai", "zai"])
def sdk(request: pytest.FixtureRequest) -> Name:
    """Each client."""
    name: Name = request.param
    return name


@pytest.fixture(scope="module")
def report(served: Served, sdk: Name) -> Report:
    """What the stories of one client gave."""
    return run_script(sdk, "glm_sdk", sdk, served.base("/api/paas/v4/"), served.key)


@both_ways
def test_a_plain_answer(report: Report, mode: str) -> None:
    """Text, a finish reason, usage that adds up, and one id for answer and request (contract 3.2)."""
    answer = report.gave(f"{mode}_plain")
    (choice,) = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] or choice["message"]["reasoning_content"]
    assert choice["finish_reason"] in {"stop", "length"}
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
    assert answer["id"] == answer["request_id"]


@both_ways
def test_a_stream(report: Report, mode: str) -> None:
    """It ends once, and its usage comes once, on the chunk that ends it (contract 3.3)."""
    chunks = report.gave(f"{mode}_stream")
    assert text_of(chunks) or text_of(chunks, "reasoning_content")
    assert len(reasons_of(chunks)) == 1
    assert usages_of(chunks) == [chunks[-1]["usage"]]
    assert chunks[-1]["choices"][0]["finish_reason"]


@both_ways
def test_thinking(report: Report, mode: str) -> None:
    """Reasoning and text come apart."""
    chunks = report.gave(f"{mode}_thinking")
    assert text_of(chunks, "reasoning_content").strip()
    assert text_of(chunks).strip()
    assert not SPECIAL.search(text_of(chunks) + text_of(chunks, "reasoning_content"))


@both_ways
def test_a_call(report: Report, mode: str) -> None:
    """The question about the weather in Beijing is a call of get_weather with Beijing; its arguments are text."""
    (choice,) = report.gave(f"{mode}_tools")["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"location": "Beijing"}


@both_ways
def test_a_streamed_call(report: Report, mode: str) -> None:
    """The same call, whole in one chunk, as GLM sends it where tool_stream is not asked for (contract 3.3)."""
    chunks = report.gave(f"{mode}_tools_streamed")
    (call,) = calls_of(chunks)
    pieces = [each["delta"]["tool_calls"] for chunk in chunks for each in chunk["choices"]]
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"location": "Beijing"})
    assert len([piece for piece in pieces if piece]) == 1


@both_ways
def test_a_vector(report: Report, mode: str) -> None:
    """embedding-3 has 2048 dimensions where nothing else is asked for; vectors have length one."""
    (vector,) = report.gave(f"{mode}_vectors")
    assert len(vector) == 2048
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("story", "size"), [("embedding_2", 1024), ("dimensions", 512)])
def test_sizes_of_vectors(report: Report, story: str, size: int) -> None:
    """embedding-2 has its own size, and embedding-3 the one that is asked for."""
    (vector,) = report.gave(story)
    assert len(vector) == size


def test_temperature_zero_is_greedy(report: Report) -> None:
    """The SDK turns it into `do_sample: false, temperature: 0.01` (contract 1.2), which gives the same text twice."""
    first, second = report.gave("greedy")
    assert first == second


def test_a_token_made_by_hand(report: Report) -> None:
    """A token that somebody else signed with the secret is as good as the SDK's own."""
    assert report.gave("handmade")["choices"]


@pytest.mark.parametrize(
    ("story", "code"),
    [
        ("wrong_secret", "1004"),
        ("wrong_signature", "1004"),
        ("no_dot", "1002"),
        ("expired", "1003"),
        ("forged", "1004"),
        ("unsigned", "1002"),
    ],
)
def test_a_credential_that_is_not_good(report: Report, story: str, code: str) -> None:
    """Each is the SDK's exception for 401, with GLM's number for what is wrong with it (contract 3.5)."""
    raised = report.raised(story)
    assert (raised["class"], raised["status"]) == ("APIAuthenticationError", 401)
    assert error_of(raised)["code"] == code


@pytest.mark.parametrize(
    ("story", "kind", "status", "code"),
    [
        ("no_model", "APIStatusError", 404, "1211"),
        ("no_messages", "APIRequestFailedError", 400, "1213"),
        ("unserved", "APIStatusError", 501, "1222"),
    ],
)
def test_a_refusal_is_the_right_exception(report: Report, story: str, kind: str, status: int, code: str) -> None:
    """Class and status as the SDK has them, and GLM's number in the body."""
    raised = report.raised(story)
    assert (raised["class"], raised["status"]) == (kind, status)
    assert error_of(raised)["code"] == code


def test_what_is_not_served_is_not_tried_again(report: Report) -> None:
    """`x-should-retry: false` is obeyed: three retries would take more than a second and a half."""
    assert report.seconds("unserved") < 1


def error_of(raised: dict[str, Any]) -> dict[str, Any]:
    """The error in the body that came with an exception."""
    error: dict[str, Any] = json.loads(raised["text"])["error"]
    return error
