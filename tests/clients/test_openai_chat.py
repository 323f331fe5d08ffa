"""OpenAI's client and chat: what an application of today does works on its major versions 1 to 3, on both surfaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.environments import Name
from tests.clients.running import Report, run_script
from tests.clients.snippets import OPENAI, SPECIAL
from tests.clients.verdicts import arguments_of, calls_of, reasons_of, text_of, usages_of
from tests.stories.served import Served

pytestmark = [pytest.mark.clients, pytest.mark.engine]

PLACES = {"Beijing", "Shanghai"}


@pytest.fixture(scope="module", params=OPENAI)
def client(request: pytest.FixtureRequest) -> Name:
    """Each major version."""
    name: Name = request.param
    return name


@pytest.fixture(scope="module", params=["/v1", "/api/paas/v4/"])
def base(request: pytest.FixtureRequest) -> str:
    """Each surface."""
    path: str = request.param
    return path


@pytest.fixture(scope="module")
def report(served: Served, client: Name, base: str) -> Report:
    """What the stories of one version gave on one surface."""
    return run_script(client, "openai_chat", served.base(base), served.key)


def choice(answer: dict[str, Any]) -> dict[str, Any]:
    """The only choice of an answer."""
    (only,) = answer["choices"]
    assert isinstance(only, dict)
    return only


def test_a_plain_answer(report: Report) -> None:
    """Text, a finish reason, usage that adds up, and the name of who really answered."""
    answer = report.gave("plain")
    usage = answer["usage"]
    assert choice(answer)["message"]["role"] == "assistant"
    assert choice(answer)["finish_reason"] in {"stop", "length"}
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens"] <= 24
    assert (answer["object"], answer["model"]) == ("chat.completion", "glmgate-tiny")


def test_the_request_id_reaches_the_caller(report: Report) -> None:
    """The SDK reads it from `x-request-id` (contract 1.1)."""
    assert report.gave("request_id")


def test_a_stream(report: Report) -> None:
    """Chunks of one answer: one choice each, one id, one finish reason, usage once."""
    chunks = report.gave("stream")
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    assert len(reasons_of(chunks)) == 1
    assert len(usages_of(chunks)) == 1


def test_a_stream_says_what_the_plain_answer_says(report: Report) -> None:
    """At temperature 0 both are the same text."""
    message = choice(report.gave("plain"))["message"]
    chunks = report.gave("stream")
    assert text_of(chunks) == message["content"]
    assert text_of(chunks, "reasoning_content") == (message["reasoning_content"] or "")


def test_usage_on_request(report: Report, base: str) -> None:
    """With include_usage it is counted once: apart on /v1, on the finish chunk where GLM has it (contract S1)."""
    chunks = report.gave("stream_usage")
    assert len(usages_of(chunks)) == 1
    assert chunks[-1]["usage"]
    assert (chunks[-1]["choices"] == []) is (base == "/v1")


def test_thinking(report: Report) -> None:
    """Reasoning comes apart from the text, before it, and without its marks."""
    chunks = report.gave("thinking")
    kinds = ["r" if delta["reasoning_content"] else "c" for delta in deltas(chunks) if says(delta)]
    assert text_of(chunks, "reasoning_content").strip()
    assert text_of(chunks).strip()
    assert kinds == sorted(kinds, reverse=True)
    assert not SPECIAL.search(text_of(chunks) + text_of(chunks, "reasoning_content"))
    assert usages_of(chunks)[0]["completion_tokens_details"]["reasoning_tokens"] > 0


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The deltas of the first choice."""
    return [each["delta"] for chunk in chunks for each in chunk["choices"]]


def says(delta: dict[str, Any]) -> bool:
    """Whether there is text of either kind in it."""
    return bool(delta["reasoning_content"] or delta["content"])


@pytest.mark.parametrize("story", ["not_thinking", "effort_none"])
def test_thinking_can_be_turned_off(report: Report, story: str) -> None:
    """By GLM's switch and by OpenAI's."""
    answer = report.gave(story)
    assert not choice(answer)["message"].get("reasoning_content")
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


def test_the_asynchronous_client(report: Report) -> None:
    """It reads the same, plain and streamed."""
    told = report.gave("awaited")
    assert told["plain"] == told["streamed"]


def test_parse(report: Report) -> None:
    """`.parse()` gives an object of the class: the schema is enforced, not hoped for (contract R1)."""
    told = report.gave("parse")
    assert told["finish_reason"] == "stop"
    assert told["parsed"]["verdict"] in {"yes", "no"}
    assert isinstance(told["parsed"]["certain"], bool)


def test_parse_of_a_call(report: Report) -> None:
    """The arguments of a call are read into the class of the tool."""
    calls = report.gave("parse_call")
    assert calls
    assert set(calls) <= {f"GetWeather(location='{place}')" for place in PLACES}


def test_the_stream_helper(report: Report) -> None:
    """It folds our chunks into an answer that ends, with usage."""
    told = report.gave("helper")
    assert choice(told["final"])["finish_reason"] == "stop"
    assert told["final"]["usage"]["completion_tokens"] > 0
    assert "chunk" in told["kinds"]


def test_the_stream_helper_reads_calls(report: Report) -> None:
    """It needs an index on every piece of a call (contract 0.4)."""
    told = report.gave("helper_call")
    assert "tool_calls.function.arguments.done" in told["kinds"]
    assert choice(told["final"])["message"]["tool_calls"]


def test_json_object(report: Report) -> None:
    """The text of the answer is one JSON object."""
    only = choice(report.gave("json_object"))
    assert only["finish_reason"] == "stop"
    assert isinstance(json.loads(only["message"]["content"]), dict)


@pytest.mark.parametrize("story", ["tool_required", "tool_required_against"])
def test_a_required_call_is_made(report: Report, story: str) -> None:
    """`required` is enforced, also where the question asks for no tool at all (contract C1)."""
    only = choice(report.gave(story))
    assert only["finish_reason"] == "tool_calls"
    calls = arguments_of(only["message"])
    assert calls
    assert all(name in {"get_weather", "get_time"} for name, _ in calls)
    assert all(len(given) == 1 and set(given.values()) <= PLACES for _, given in calls)


def test_a_named_call_is_made(report: Report) -> None:
    """The named function is called, not the one that fits the question better (contract C2)."""
    only = choice(report.gave("tool_named"))
    calls = arguments_of(only["message"])
    assert calls
    assert {name for name, _ in calls} == {"get_time"}


def test_no_call_is_made_when_none_may(report: Report) -> None:
    """`none` is obeyed, whatever the question (contract C3)."""
    only = choice(report.gave("tool_none"))
    assert only["finish_reason"] in {"stop", "length"}
    assert not only["message"]["tool_calls"]
    assert not SPECIAL.search(only["message"]["content"])


def test_one_call_when_one_is_asked_for(report: Report) -> None:
    """`parallel_tool_calls: false` leaves one (contract C5)."""
    assert len(arguments_of(choice(report.gave("tool_single"))["message"])) == 1


def test_calls_have_ids_of_their_own(report: Report) -> None:
    """An answer to a call names it by its id."""
    ids = [call["id"] for call in choice(report.gave("tool_required"))["message"]["tool_calls"]]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_a_streamed_call(report: Report) -> None:
    """Its pieces make the name, one id and whole JSON."""
    chunks = report.gave("tool_streamed")
    calls = calls_of(chunks)
    assert reasons_of(chunks) == ["tool_calls"]
    assert calls
    assert all(call["id"] and call["name"] in {"get_weather", "get_time"} for call in calls)
    assert all(set(json.loads(call["arguments"]).values()) <= PLACES for call in calls)


def test_the_round_after_a_call(report: Report) -> None:
    """The history of a call and its result is taken, content null and all (contract C9)."""
    assert choice(report.gave("after_tool"))["finish_reason"] in {"stop", "length", "tool_calls"}


def test_a_legacy_function_is_called(report: Report) -> None:
    """Who speaks of functions is answered with a function_call (contract C7)."""
    only = choice(report.gave("function_auto"))
    assert only["message"]["function_call"]["name"] == "get_weather"
    assert not only["message"]["tool_calls"]
    assert only["finish_reason"] == "function_call"


def test_a_legacy_function_is_called_by_name(report: Report) -> None:
    """`function_call: {name}` is enforced."""
    call = choice(report.gave("function_named"))["message"]["function_call"]
    assert call["name"] == "get_time"
    assert set(json.loads(call["arguments"]).values()) <= PLACES


def test_a_legacy_function_is_streamed(report: Report) -> None:
    """The pieces of its one call make a name and whole JSON."""
    pieces = [delta["function_call"] for delta in deltas(report.gave("function_streamed")) if delta["function_call"]]
    assert "".join(piece.get("name") or "" for piece in pieces) == "get_time"
    assert set(json.loads("".join(piece["arguments"] for piece in pieces)).values()) <= PLACES


def test_the_round_after_a_legacy_function(report: Report) -> None:
    """The role `function` is taken in the history."""
    assert choice(report.gave("after_function"))["finish_reason"] in {"stop", "length", "function_call", "tool_calls"}


def test_two_choices(report: Report) -> None:
    """`n=2` gives two answers, and usage counts both."""
    answer = report.gave("two")
    assert [each["index"] for each in answer["choices"]] == [0, 1]
    assert all(each["message"]["content"] or each["message"]["reasoning_content"] for each in answer["choices"])
    assert answer["usage"]["completion_tokens"] > 24


def test_two_choices_streamed(report: Report) -> None:
    """Their chunks are told apart by index, and there is one usage for both."""
    chunks = report.gave("two_streamed")
    assert {each["index"] for chunk in chunks for each in chunk["choices"]} == {0, 1}
    assert len(reasons_of(chunks)) == 2
    assert len(usages_of(chunks)) == 1


@pytest.mark.parametrize("form", ["plain", "streamed", "string"])
def test_stop(report: Report, form: str) -> None:
    """The answer ends before the stop sequence, also where it stands across the pieces of a stream (contract N6)."""
    told = report.gave("stops")
    assert told["stop"] in told["whole"]
    assert told[form] == told["whole"][: told["whole"].index(told["stop"])]


def test_the_developer_role(report: Report) -> None:
    """It says to the model what `system` says (contract N7)."""
    developer, system = report.gave("developer"), report.gave("system")
    assert choice(developer)["message"] == choice(system)["message"]
    assert developer["usage"]["prompt_tokens"] == system["usage"]["prompt_tokens"]


def test_temperature_zero_is_greedy(report: Report) -> None:
    """Twice the same text (contract T1)."""
    first, second = report.gave("cold")
    assert first == second


@pytest.mark.parametrize("story", ["warm", "hot"])
def test_high_temperatures(report: Report, story: str) -> None:
    """What OpenAI allows up to 2 is taken (contract T2)."""
    assert report.gave(story)["usage"]["completion_tokens"] > 0


def test_a_seed_repeats(report: Report) -> None:
    """The same seed gives the same answer at temperature 1."""
    first, second = report.gave("seeded")
    assert first == second


def test_the_newer_limit(report: Report) -> None:
    """`max_completion_tokens` bounds the answer (contract N4)."""
    answer = report.gave("completion_tokens")
    assert answer["usage"]["completion_tokens"] == 5
    assert choice(answer)["finish_reason"] == "length"


def test_logprobs(report: Report) -> None:
    """One entry for each token, with the alternatives that were asked for."""
    entries = choice(report.gave("logprobs"))["logprobs"]["content"]
    assert 0 < len(entries) <= 4
    assert all(len(entry["top_logprobs"]) == 2 for entry in entries)
    assert all(entry["logprob"] <= 0 for entry in entries)


def test_content_in_parts(report: Report) -> None:
    """A list of text parts is a text."""
    assert report.gave("parts")["usage"]["completion_tokens"] > 0


def test_names_of_openai(report: Report) -> None:
    """Where nothing else is configured the built-in model answers them, under its own name."""
    assert report.gave("openai_name")["model"] == "glmgate-tiny"
