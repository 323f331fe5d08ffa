"""The chat model against a loopback GLM: what it sends, what comes back, what it does about failures."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.exceptions import ContextOverflowError, ModelError
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_zhipuai import ChatZhipuAI
from langchain_zhipuai.chat_models import ALLToolsMessageChunk
from tests.langchain_zhipuai.asking import model_of, summed
from tests.services import Answer, ScriptedCall, Service, running

CALL = ScriptedCall("weather", {"city": "Paris"})


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}."


class Weather(BaseModel):
    """The weather of a city."""

    city: str


@pytest.fixture
def service() -> Iterator[Service]:
    """BigModel's service."""
    with running("bigmodel") as found:
        yield found


@pytest.fixture
def model(service: Service) -> Iterator[ChatZhipuAI]:
    """A model of it, without pauses between repeats that nobody asked for."""
    made = model_of(service)
    yield made
    made.close()


def test_the_defaults_are_those_of_the_old_package() -> None:
    """Contract 7.2."""
    made = ChatZhipuAI(api_key="a.b")
    assert (made.model_name, made.temperature, made.max_retries, made.streaming) == ("glm-4", 0.7, 2, False)
    assert (made._llm_type, made._get_ls_params()["ls_provider"]) == ("zhipuai-chat", "zhipuai")
    assert made._identifying_params["model"] == "glm-4"
    assert made._get_ls_params(stop=["a"])["ls_stop"] == ["a"]
    assert ChatZhipuAI(api_key="a.b", stop="b")._get_ls_params()["ls_stop"] == ["b"]


def test_every_field_of_the_body_is_sent(service: Service) -> None:
    """And obeyed or ignored by the service, but none refused."""
    fields: dict[str, Any] = {
        "temperature": 0.5,
        "max_tokens": 30,
        "top_p": 0.9,
        "do_sample": True,
        "stop": ["never"],
        "seed": 7,
        "thinking": {"type": "enabled"},
        "tool_stream": True,
        "user_id": "user-1",
        "request_id": "request-1",
    }
    made = model_of(service, extra_body={"watermark_enabled": False}, **fields)
    made.invoke("Hello")
    made.close()
    assert service.last.body.items() >= (fields | {"watermark_enabled": False}).items()
    assert not service.refusals


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_a_model_is_loaded_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key stays in the environment."""
    monkeypatch.setenv("ZHIPUAI_API_KEY", "id.secret")
    made = ChatZhipuAI(model="glm-4.6", temperature=0.1, thinking=True)
    written = dumpd(made)
    assert "id.secret" not in str(written)
    ours = ["langchain_zhipuai"]
    again = load(written, allowed_objects=[ChatZhipuAI], valid_namespaces=ours, secrets_from_env=True)
    assert (again, again.asdict()) == (made, made.asdict())


async def test_async_calls_run_side_by_side(service: Service) -> None:
    """No thread is blocked: ten answers of 0.3 s take about as long as one."""
    service.slow(first_s=0.3)
    made = model_of(service)
    began = time.monotonic()
    answers = await asyncio.gather(*(made.ainvoke("Hello") for _ in range(10)))
    assert time.monotonic() - began < 2
    assert {answer.text for answer in answers} == {"Hello from the service."}
    assert service.most_in_flight == 10
    await made.aclose()


async def test_an_async_stream_comes_piece_by_piece(service: Service) -> None:
    """The first words are there long before the last; thoughts first, the cost at the end."""
    service.slow(between_s=0.05)
    made = model_of(service)
    chunks, times = [], []
    async for chunk in made.astream("Hello"):
        chunks.append(chunk)
        times.append(time.monotonic())
    await made.aclose()
    assert times[-1] - times[0] > 0.2
    whole = summed(chunks)
    assert whole.text == "Hello from the service."
    assert whole.additional_kwargs["reasoning_content"] == "A short thought. "
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["total_tokens"] == 10 + 7
    assert [block["type"] for block in whole.content_blocks] == ["reasoning", "text"]
    assert service.last.body["stream_options"] == {"include_usage": True}


def test_leaving_a_stream_ends_it_at_the_service(service: Service, model: ChatZhipuAI) -> None:
    """Nobody pays for what nobody reads."""
    service.slow(between_s=0.05)
    service.answer_with(Answer("word " * 200))
    stream = model.stream("Hello")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 5
    while service.last.left_at is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert service.last.left_at is not None


def test_streaming_streams_an_invoke_as_well(service: Service) -> None:
    """And asks for no usage where told not to."""
    made = model_of(service, streaming=True, stream_usage=False)
    assert made.invoke("Hello").text == "Hello from the service."
    made.close()
    assert service.last.body["stream"] is True
    assert "stream_options" not in service.last.body


def test_thoughts_are_sent_back_in_a_loop_of_tools(service: Service, model: ChatZhipuAI) -> None:
    """From a whole answer and from the sum of a stream."""
    service.answer_with(Answer("", reasoning="I need the weather. ", calls=(CALL,)), always=True)
    tools = model.bind_tools([weather])
    question = HumanMessage("How is the weather in Paris?")
    for answer in (tools.invoke([question]), summed(list(tools.stream([question])))):
        (call,) = answer.tool_calls
        tools.invoke([question, answer, ToolMessage("Sunny.", tool_call_id=call["id"])])
        _, sent, result = service.last.body["messages"]
        assert sent["reasoning_content"] == "I need the weather. "
        assert sent["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Paris"}'}
        assert result["tool_call_id"] == sent["tool_calls"][0]["id"]


def test_bound_tools_and_their_options_are_sent(service: Service, model: ChatZhipuAI) -> None:
    """Z.AI itself takes the choice "auto" only."""
    service.answer_with(Answer(calls=(CALL,)))
    answer = model.bind_tools([weather], tool_choice="auto", parallel_tool_calls=True).invoke("Paris?")
    assert isinstance(answer, AIMessage)
    assert answer.tool_calls[0]["args"] == {"city": "Paris"}
    assert service.last.body["tool_choice"] == "auto"
    assert service.last.body["parallel_tool_calls"] is True
    with pytest.raises(openai.BadRequestError, match="Tool choice must be auto"):
        model.bind_tools([weather], tool_choice="weather").invoke("Paris?")


def test_bound_functions_answer_in_their_own_words(service: Service, model: ChatZhipuAI) -> None:
    """In a stream as well."""
    service.answer_with(Answer("", calls=(CALL,)), always=True)
    bound = model.bind_functions([weather], function_call="auto")
    for answer in (bound.invoke("Paris?"), summed(list(bound.stream("Paris?", tool_stream=True)))):
        assert answer.additional_kwargs["function_call"] == {"name": "weather", "arguments": '{"city": "Paris"}'}
    assert "functions" not in service.last.body


def test_structured_output_reads_what_was_asked_for(service: Service, model: ChatZhipuAI) -> None:
    """The form is sent with the call, and a call's own arguments go along."""
    service.answer_with('{"city": "Paris"}', always=True)
    asked = model.with_structured_output(Weather, method="json_schema", seed=3)
    assert asked.invoke("Paris?") == Weather(city="Paris")
    assert list(asked.stream("Paris?"))[-1] == Weather(city="Paris")
    assert (service.last.body["response_format"]["type"], service.last.body["seed"]) == ("json_schema", 3)
    raw = model.with_structured_output(Weather, method="json_mode", include_raw=True).invoke("Paris?")
    assert (raw["parsed"], raw["raw"].text) == (Weather(city="Paris"), '{"city": "Paris"}')


def test_the_all_tools_models_stream_their_own_chunks(service: Service) -> None:
    """By the name that is asked, which may be a call's; others stream LangChain's."""
    made = model_of(service, model="glm-4-alltools")
    said = {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    service.fail_with(200, f"data: {json.dumps(said)}\n\ndata: [DONE]\n\n".encode(), times=1)
    chunks = list(made.stream("Hello"))
    assert [type(chunk) for chunk in chunks] == [ALLToolsMessageChunk] * 2
    assert isinstance(summed(chunks), ALLToolsMessageChunk)
    others = list(made.stream("Hello", model="glm-4.6"))
    made.close()
    assert {type(chunk) for chunk in others} == {AIMessageChunk}


def test_a_busy_service_is_asked_again_when_it_says(service: Service, model: ChatZhipuAI) -> None:
    """`Retry-After` is obeyed, by the SDK."""
    service.fail_with(429, code="1302", headers={"Retry-After": "1"})
    began = time.monotonic()
    assert model.invoke("Hello").text == "Hello from the service."
    assert time.monotonic() - began > 0.9
    assert len(service.requests) == 2


async def test_the_same_without_blocking(service: Service) -> None:
    """And for a stream, whose first answer failed."""
    service.fail_with(429, code="1302", headers={"Retry-After": "1"})
    made = model_of(service)
    began = time.monotonic()
    assert summed([chunk async for chunk in made.astream("Hello")]).text == "Hello from the service."
    assert time.monotonic() - began > 0.9
    await made.aclose()


def test_who_is_told_not_to_retry_does_not(service: Service, model: ChatZhipuAI) -> None:
    """An account without money is no matter of time (contract 3.5, 1113)."""
    service.fail_with(429, code="1113", headers={"x-should-retry": "false"}, times=None)
    with pytest.raises(openai.RateLimitError) as caught:
        model.invoke("Hello")
    assert caught.value.code == "1113"
    assert len(service.requests) == 1


def test_max_retries_is_the_user_s(service: Service) -> None:
    """0 asks once."""
    service.fail_with(500, times=None)
    made = model_of(service, max_retries=0)
    with pytest.raises(openai.InternalServerError):
        made.invoke("Hello")
    made.close()
    assert len(service.requests) == 1


@pytest.mark.parametrize("code", ["1261", "context_length_exceeded"])
def test_a_prompt_that_is_too_long_is_langchain_s_error_too(service: Service, model: ChatZhipuAI, code: str) -> None:
    """So that a middleware that shortens conversations knows it, in a stream as well."""
    service.fail_with(400, code=code, times=2)
    for ask in (model.invoke, lambda words: list(model.stream(words))):
        with pytest.raises(ContextOverflowError) as caught:
            ask("Hello")
        assert isinstance(caught.value, openai.BadRequestError)
        assert caught.value.code == code


def test_another_refusal_is_the_sdk_s_own(service: Service, model: ChatZhipuAI) -> None:
    """Unchanged."""
    with pytest.raises(openai.BadRequestError) as caught:
        model.invoke("Hello", temperature=2)
    assert not isinstance(caught.value, ModelError)
    assert caught.value.code == "1210"


def test_a_stream_that_fails_on_the_way_raises(service: Service, model: ChatZhipuAI) -> None:
    """What was said before is not passed off as all of it."""
    service.break_stream("error_event")
    with pytest.raises(openai.APIError):
        list(model.stream("Hello"))


def test_an_answer_without_choices_is_told(service: Service, model: ChatZhipuAI) -> None:
    """It is no answer."""
    service.fail_with(200, {"id": "one", "choices": []})
    with pytest.raises(ValueError, match="without choices"):
        model.invoke("Hello")


async def test_a_web_page_is_no_answer(service: Service, model: ChatZhipuAI) -> None:
    """It is what a wrong address gives; a stream of it would else be an empty answer."""
    service.break_stream("html", times=None)
    with pytest.raises(ValueError, match=r"base_url.*502 Bad Gateway"):
        model.invoke("Hello")
    with pytest.raises(ValueError, match=r"base_url.*502 Bad Gateway"):
        await model.ainvoke("Hello")
    with pytest.raises(ValueError, match=r"no stream.*base_url"):
        list(model.stream("Hello"))
    with pytest.raises(ValueError, match=r"no stream.*base_url"):
        [chunk async for chunk in model.astream("Hello")]
    await model.aclose()


def test_several_answers_are_several_generations() -> None:
    """Where the service has `n`, as glmgate has."""
    with running("openai") as service:
        made = model_of(service, model="some-model", n=2, temperature=None)
        (generations,) = made.generate([[HumanMessage("Hello")]]).generations
        made.close()
    assert len(generations) == 2


def test_tokens_are_estimated_by_bytes() -> None:
    """Chinese has about a token for four bytes too; no library is needed, and no request."""
    made = ChatZhipuAI(api_key="a.b")
    assert (made.get_num_tokens("Hello, world"), made.get_num_tokens("你好，世界"), made.get_num_tokens("")) == (
        3,
        4,
        0,
    )
    assert made.get_num_tokens_from_messages([HumanMessage("Hello")]) > 0
