"""Contract rows R1 to R3: answers in a form, and how they end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import APIError, APIStatusError, BadRequestError
from pydantic import BaseModel

from tests.contract.bodies import FORM, GOOD, both, text_of
from tests.contract.conftest import MakeRow
from tests.services import Answer, ServiceName

FENCED = f"Here you are:\n```json\n{GOOD}\n```\nAnything else?"
PROSE = "Ada is thirty-six years old."
WRONG = '{"name": "Ada", "age": "thirty-six"}'
ALL: tuple[ServiceName, ...] = (
    *("zai", "bigmodel", "zai-coding", "openai", "vllm", "sglang", "llama-server", "ollama", "generic"),
)
EMULATED: tuple[ServiceName, ...] = ("zai", "bigmodel", "zai-coding")


class Person(BaseModel):
    """What `.parse()` is to give."""

    name: str
    age: int


def is_person(text: str) -> bool:
    """Whether a text is nothing but a person in JSON."""
    value = json.loads(text)
    return set(value) == {"name", "age"} and isinstance(value["age"], int)


@both
@pytest.mark.parametrize("name", ALL)
async def test_r1_a_schema(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """R1: the answer is what the schema says, on every service, and none has ignored the form."""
    async with row(name) as it:
        it.service.answer_with(GOOD)
        told = await it.stage.chat(response_format=FORM, streamed=streamed)
        assert is_person(told.text)
        assert told.ending == "stop"


@both
@pytest.mark.parametrize("name", EMULATED)
async def test_r1_fences_and_prose_are_stripped(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """R1: JSON of the right shape inside of fences is enough; the schema was said to the model."""
    async with row(name) as it:
        it.service.answer_with(FENCED)
        told = await it.stage.chat(response_format=FORM, streamed=streamed)
        assert is_person(told.text)
        body = it.service.requests[0].body
        assert body.get("response_format") in (None, {"type": "json_object"})
        assert '"age"' in text_of(body)
        assert told.noted("response_format")


@both
@pytest.mark.parametrize("first", [PROSE, WRONG])
@pytest.mark.parametrize("name", EMULATED)
async def test_r1_what_is_not_valid_is_repaired(row: MakeRow, name: ServiceName, first: str, streamed: bool) -> None:
    """R1: it is asked again, with what was wrong, without thinking; usage is the sum."""
    async with row(name) as it:
        it.service.answer_with(first, GOOD)
        told = await it.stage.chat(response_format=FORM, streamed=streamed)
        assert is_person(told.text)
        assert len(it.service.requests) == 2
        assert told.usage.prompt_tokens == 20
        assert it.service.last.body["thinking"]["type"] == "disabled"


@both
@pytest.mark.parametrize("name", EMULATED)
async def test_r1_an_answer_of_thoughts_alone_is_asked_again(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """R1 and S4: as a repair, or as an attempt that brought nothing."""
    async with row(name, fresh=True) as it:
        it.service.answer_with("", GOOD)
        assert is_person((await it.stage.chat(response_format=FORM, streamed=streamed)).text)
        assert len(it.service.requests) == 2


@both
@pytest.mark.parametrize("name", EMULATED)
async def test_r1_what_cannot_be_repaired_is_a_failure(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """R1: after at most two repairs an error or a refusal, never prose with 200."""
    async with row(name) as it:
        it.service.answer_with(PROSE, always=True)
        body = {"model": "glm-4.6", "messages": [{"role": "user", "content": "Who?"}], "response_format": FORM}
        reply = await it.stage.post("/v1/chat/completions", body | {"stream": streamed})
        assert 2 <= len(it.service.requests) <= 3
        assert PROSE.encode() not in reply.body
        refused = b'"refusal":"' in reply.body or b'"error"' in reply.body
        assert refused or reply.status >= 400


async def test_r1_parse_gives_the_object(row: MakeRow) -> None:
    """R1: OpenAI's own `.parse()` works on a service that knows no schema."""
    async with row() as it:
        it.service.answer_with(PROSE, FENCED)
        answer = await it.stage.client().chat.completions.parse(
            model="glm-4.6", messages=[{"role": "user", "content": "Who is Ada?"}], response_format=Person
        )
        assert answer.choices[0].message.parsed == Person(name="Ada", age=36)


@both
async def test_r1_reasoning_streams_while_the_text_is_held(row: MakeRow, streamed: bool) -> None:
    """R1: thoughts of the first answer reach the caller, prose does not."""
    async with row() as it:
        it.service.answer_with(Answer(GOOD, reasoning="Let me see. "))
        told = await it.stage.chat(response_format=FORM, max_tokens=4_000, streamed=streamed)
        assert (told.reasoning, json.loads(told.text)) == ("Let me see. ", json.loads(GOOD))


@both
@pytest.mark.parametrize("name", ALL)
async def test_r2_a_json_object(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """R2: an object comes; where the service gives no guarantee, fences are stripped."""
    async with row(name) as it:
        it.service.answer_with(FENCED if name in EMULATED else GOOD)
        told = await it.stage.chat(response_format={"type": "json_object"}, streamed=streamed)
        assert isinstance(json.loads(told.text), dict)


@both
@pytest.mark.parametrize("first", [PROSE, "[1, 2]"])
async def test_r2_what_is_no_object_is_repaired(row: MakeRow, first: str, streamed: bool) -> None:
    """R2: validated like a schema."""
    async with row() as it:
        it.service.answer_with(first, GOOD)
        told = await it.stage.chat(response_format={"type": "json_object"}, streamed=streamed)
        assert json.loads(told.text) == json.loads(GOOD)


@both
async def test_r2_text_is_text(row: MakeRow, streamed: bool) -> None:
    """R2: the form `text` changes nothing."""
    async with row() as it:
        it.service.answer_with(PROSE)
        told = await it.stage.chat(response_format={"type": "text"}, streamed=streamed)
        assert told.text == PROSE


@both
@pytest.mark.parametrize(
    ("finish", "base", "word"),
    [
        ("sensitive", "/v1", "content_filter"),
        ("sensitive", "/api/paas/v4", "sensitive"),
        ("model_context_window_exceeded", "/v1", "length"),
        ("model_context_window_exceeded", "/api/paas/v4", "model_context_window_exceeded"),
        ("length", "/v1", "length"),
    ],
)
async def test_r3_finish_reasons(row: MakeRow, finish: str, base: str, word: str, streamed: bool) -> None:
    """R3: in words that the surface's clients act upon."""
    async with row() as it:
        it.service.answer_with(Answer("Some text", finish=finish))
        told = await it.stage.chat(base=base, streamed=streamed)
        assert (told.text, told.ending) == ("Some text", word)


@both
@pytest.mark.parametrize("base", ["/v1", "/api/paas/v4"])
async def test_r3_a_network_error_is_a_failure(row: MakeRow, base: str, streamed: bool) -> None:
    """R3: `network_error` on HTTP 200 is no success: an exception, so that the SDK may try again."""
    async with row(fresh=True) as it:
        it.service.answer_with(Answer("Some te", finish="network_error"), always=True)
        with pytest.raises(APIError) as raised:
            await it.stage.chat(base=base, streamed=streamed)
        assert not isinstance(raised.value, BadRequestError)


@both
async def test_r3_a_network_error_before_any_text_is_tried_again(row: MakeRow, streamed: bool) -> None:
    """R3: nothing has left yet, so a second attempt is invisible."""
    async with row(fresh=True) as it:
        it.service.answer_with(Answer("", reasoning="", finish="network_error"))
        told = await it.stage.chat(streamed=streamed)
        assert told.text == "Hello from the service."
        assert len(it.service.requests) == 2


@both
async def test_r3_nothing_fits_the_context(row: MakeRow, streamed: bool) -> None:
    """R3: when nothing was produced, the context is what was wrong."""
    async with row(fresh=True) as it:
        it.service.answer_with(Answer("", reasoning="", finish="model_context_window_exceeded"), always=True)
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(streamed=streamed)
        assert raised.value.code == "context_length_exceeded"


@both
async def test_r3_a_content_filter_of_the_request(row: MakeRow, streamed: bool) -> None:
    """R3 and contract 3.5: code 1301 is content_filter, and is asked once."""
    async with row(fresh=True) as it:
        it.service.fail_with(400, code="1301", times=None)
        with pytest.raises(APIStatusError) as raised:
            await it.stage.chat(streamed=streamed)
        assert (raised.value.status_code, raised.value.code) == (400, "content_filter")
        assert len(it.service.requests) == 1


@both
async def test_r3_openais_filter_at_glms_surface(row: MakeRow, streamed: bool) -> None:
    """R3, the other way round: content_filter of an OpenAI-like service is `sensitive` on GLM's surface."""
    async with row("openai") as it:
        it.service.answer_with(Answer("Some text", finish="content_filter"), always=True)
        told: Any = await it.stage.chat(base="/api/paas/v4", streamed=streamed)
        assert told.ending == "sensitive"
        told = await it.stage.chat(streamed=streamed)
        assert told.ending == "content_filter"
