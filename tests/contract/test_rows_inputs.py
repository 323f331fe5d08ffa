"""Contract rows E1 to E3, I1, I2, L1, M1 and M2: embeddings, images, text completions, names of models."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError

from tests.contract.bodies import HELLO, both
from tests.contract.conftest import MakeRow
from tests.services import ServiceName, vector_of

EMBEDDERS: tuple[ServiceName, ...] = ("zai", "bigmodel", "openai", "vllm", "sglang", "llama-server", "ollama")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ALIASES = """
[[models]]
name = "glm-4.6"
aliases = ["gpt-4o"]

[[models]]
name = "embedding-3"
aliases = ["text-embedding-3-small"]
"""


def close(one: list[float], other: list[float]) -> bool:
    """Whether two vectors are the same, as far as float32 goes."""
    return len(one) == len(other) and all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(one, other, strict=True))


def unit(vector: list[float]) -> list[float]:
    """The vector with length one."""
    norm = math.hypot(*vector)
    return [number / norm for number in vector]


@pytest.mark.parametrize("name", EMBEDDERS)
async def test_e1_base64_and_floats(row: MakeRow, name: ServiceName) -> None:
    """E1: each form as it was asked for, whatever the service makes."""
    async with row(name) as it:
        size = 2048 if it.service.kind.errors == "glm" else 1024
        packed = await it.stage.post(
            "/v1/embeddings", {"model": "embedding-3", "input": "a", "encoding_format": "base64"}
        )
        plain = await it.stage.post("/v1/embeddings", {"model": "embedding-3", "input": "a"})
        text = packed.json["data"][0]["embedding"]
        assert isinstance(text, str)
        assert close(list(struct.unpack(f"<{size}f", base64.b64decode(text))), vector_of('"a"', size))
        assert close(plain.json["data"][0]["embedding"], vector_of('"a"', size))


async def test_e1_openais_client_asks_for_base64(row: MakeRow) -> None:
    """E1: and its user sees numbers."""
    async with row() as it:
        answer = await it.stage.client().embeddings.create(model="embedding-3", input=["a", "b"])
        assert [each.index for each in answer.data] == [0, 1]
        assert close(answer.data[1].embedding, vector_of('"b"', 2048))
        assert answer.usage.prompt_tokens == 20


@pytest.mark.parametrize("name", ["zai", "bigmodel"])
@pytest.mark.parametrize("ids", [[1, 2, 3], [[1, 2], [3]]])
async def test_e2_token_ids_are_refused_with_a_hint(row: MakeRow, name: ServiceName, ids: Any) -> None:
    """E2: they are of another tokenizer; the message says what to set in LangChain."""
    async with row(name) as it:
        with pytest.raises(BadRequestError, match="check_embedding_ctx_length"):
            await it.stage.client().embeddings.create(model="embedding-3", input=ids)
        assert it.service.requests == []


@pytest.mark.parametrize("name", ["zai", "bigmodel"])
async def test_e3_more_inputs_than_the_service_takes(row: MakeRow, name: ServiceName) -> None:
    """E3: they are sent in batches, and come back in order with the sum of the tokens."""
    texts = [f"text {place}" for place in range(150)]
    async with row(name) as it:
        answer = await it.stage.client().embeddings.create(model="embedding-3", input=texts)
        assert [len(body["input"]) for body in it.service.bodies] == [64, 64, 22]
        assert [each.index for each in answer.data] == list(range(150))
        for place in (0, 63, 64, 149):
            assert close(answer.data[place].embedding, vector_of(f'"text {place}"', 2048))
        assert answer.usage.prompt_tokens == 1_500


@pytest.mark.parametrize("size", [512, 1536, 100])
async def test_e3_any_dimension(row: MakeRow, size: int) -> None:
    """E3: the service's own are asked for, others are cut and made unit length again."""
    async with row() as it:
        answer = await it.stage.client().embeddings.create(model="embedding-3", input="a", dimensions=size)
        sent = it.service.last.body.get("dimensions") or 2048
        assert sent >= size
        assert close(answer.data[0].embedding, unit(vector_of('"a"', sent)[:size]))
        assert math.isclose(math.hypot(*answer.data[0].embedding), 1, abs_tol=1e-5)


async def test_e3_openais_names_of_embedders(row: MakeRow) -> None:
    """E3: an alias is sent under the service's own name, in OpenAI's size."""
    async with row(tables=ALIASES) as it:
        answer = await it.stage.client().embeddings.create(model="text-embedding-3-small", input="a", dimensions=1536)
        assert it.service.last.body["model"] == "embedding-3"
        assert len(answer.data[0].embedding) == 1536


@both
async def test_m1_openais_names(row: MakeRow, streamed: bool) -> None:
    """M1: an alias is answered by the model that stands for it, which the answer and the report name."""
    async with row(tables=ALIASES) as it:
        told = await it.stage.chat(model="gpt-4o", streamed=streamed)
        assert it.service.last.body["model"] == "glm-4.6"
        assert told.model == "glm-4.6"
        assert told.noted("model") == "gpt-4o->glm-4.6"


@both
async def test_m1_names_in_upper_case(row: MakeRow, streamed: bool) -> None:
    """M1 and contract 3.1: GLM-4.6 is what many applications write."""
    async with row() as it:
        await it.stage.chat(model="GLM-4.6", streamed=streamed)
        assert it.service.last.body["model"] == "glm-4.6"


@both
async def test_m1_a_name_that_nobody_has(row: MakeRow, streamed: bool) -> None:
    """M1: 404 with OpenAI's word, and the service is not asked."""
    async with row() as it:
        with pytest.raises(NotFoundError) as raised:
            await it.stage.chat(model="no-such-model", streamed=streamed)
        assert raised.value.code == "model_not_found"
        assert it.service.requests == []


async def test_m2_models(row: MakeRow) -> None:
    """M2: list and retrieve in OpenAI's full shape."""
    async with row(tables=ALIASES) as it:
        client = it.stage.client()
        found = {model.id: model async for model in client.models.list()}
        assert {"glm-4.6", "embedding-3"} <= found.keys()
        assert all((model.object, bool(model.owned_by)) == ("model", True) for model in found.values())
        assert (await client.models.retrieve("glm-4.6")).id == "glm-4.6"


def image(url: str, **members: Any) -> list[Any]:
    """A message with an image."""
    part = {"type": "image_url", "image_url": {"url": url} | members}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]


@both
@pytest.mark.parametrize("name", ["zai", "bigmodel", "vllm", "sglang", "ollama", "llama-server", "generic"])
@pytest.mark.parametrize("url", [PNG, f"data:image/png;base64,{PNG}"], ids=["base64", "data_url"])
async def test_i1_images(row: MakeRow, name: ServiceName, url: str, streamed: bool) -> None:
    """I1: both forms come in, the service's own goes out."""
    async with row(name) as it:
        await it.stage.chat(model="glm-4.6v", messages=image(url), streamed=streamed)
        sent = it.service.last.body["messages"][0]["content"][1]["image_url"]["url"]
        assert sent == (PNG if it.service.kind.errors == "glm" else f"data:image/png;base64,{PNG}")


@both
async def test_i1_detail_is_kept_out(row: MakeRow, streamed: bool) -> None:
    """I1: GLM refuses it; the report says that it is gone."""
    async with row() as it:
        told = await it.stage.chat(model="glm-4.6v", messages=image(PNG, detail="high"), streamed=streamed)
        assert it.service.last.body["messages"][0]["content"][1]["image_url"] == {"url": PNG}
        assert any("detail" in note for note in told.notes)


@both
async def test_i1_addresses_of_images_are_passed(row: MakeRow, streamed: bool) -> None:
    """I1: nothing is fetched by us."""
    async with row() as it:
        await it.stage.chat(model="glm-4.6v", messages=image("https://example.com/a.png"), streamed=streamed)
        assert it.service.last.body["messages"][0]["content"][1]["image_url"]["url"] == "https://example.com/a.png"


@both
async def test_i1_images_for_a_model_without_eyes(row: MakeRow, streamed: bool) -> None:
    """I1: refused by us with the field's name, before the service is asked."""
    async with row() as it:
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(messages=image(PNG), streamed=streamed)
        assert (raised.value.param or "").startswith("messages")
        assert it.service.requests == []


@both
@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ],
)
async def test_i2_files(row: MakeRow, part: Any, streamed: bool) -> None:
    """I2: the same names on both sides; they reach a model that reads files."""
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]
    async with row() as it:
        await it.stage.chat(model="glm-4.6v", messages=messages, streamed=streamed)
        assert it.service.last.body["messages"][0]["content"][1]["file"] == part["file"]


@both
async def test_i2_sound_for_a_model_without_ears(row: MakeRow, streamed: bool) -> None:
    """I2: refused with the field's name, never dropped in silence."""
    part = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]
    async with row() as it:
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(model="glm-4.6v", messages=messages, streamed=streamed)
        assert (raised.value.param or "").startswith("messages")


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "llama-server", "openai"])
async def test_l1_text_completions(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """L1: natively, or as a turn of the user where there is no such path."""
    async with row(name) as it:
        client = it.stage.client()
        if streamed:
            stream = await client.completions.create(model="glm-4.6", prompt="Once", max_tokens=900, stream=True)
            text = "".join([chunk.choices[0].text async for chunk in stream if chunk.choices])
        else:
            answer = await client.completions.create(model="glm-4.6", prompt="Once", max_tokens=900)
            text = answer.choices[0].text
            assert answer.object == "text_completion"
        assert text == "Hello from the service."
        body = it.service.last.body
        if name == "zai":
            assert body["messages"] == [{"role": "user", "content": "Once"}]
        else:
            assert body["prompt"] in ("Once", ["Once"])


async def test_l1_echo(row: MakeRow) -> None:
    """L1: the prompt stands before the answer."""
    async with row() as it:
        answer = await it.stage.client().completions.create(model="glm-4.6", prompt="Once ", echo=True, max_tokens=900)
        assert answer.choices[0].text == "Once Hello from the service."


async def test_l1_several_prompts(row: MakeRow) -> None:
    """L1: one choice for each, or a refusal that says so; never one answer for all."""
    async with row() as it:
        body = {"model": "glm-4.6", "prompt": ["a", "b"], "max_tokens": 900}
        reply = await it.stage.post("/v1/completions", body)
        if reply.status == 200:
            assert len(reply.json["choices"]) == 2
        else:
            assert (reply.status, reply.error["param"]) == (400, "prompt")


async def test_l1_a_suffix_is_never_dropped_in_silence(row: MakeRow) -> None:
    """L1: what a chat service cannot do is refused or in the report."""
    async with row() as it:
        body = {"model": "glm-4.6", "prompt": "a", "suffix": "z", "max_tokens": 900}
        reply = await it.stage.post("/v1/completions", body)
        assert reply.status == 400 or "suffix" in reply.headers.get("x-glmgate-adaptations", "")


async def test_the_services_own_models_are_not_asked(row: MakeRow) -> None:
    """M2: what is configured is what is listed; a hello costs one request."""
    async with row() as it:
        await it.stage.chat(messages=HELLO)
        assert [heard.path for heard in it.service.requests] == ["/api/paas/v4/chat/completions"]
