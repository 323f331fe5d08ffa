"""Contract rows T1 to T4 and N2 to N6: how an answer is drawn, and where it ends."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BadRequestError

from tests.contract.bodies import both
from tests.contract.conftest import MakeRow
from tests.services import Answer, ServiceName


@both
@pytest.mark.parametrize("model", ["glm-4.6", "glm-4.5-air", "glm-4-plus"])
async def test_t1_temperature_zero_is_greedy(row: MakeRow, model: str, streamed: bool) -> None:
    """T1: temperature 0 goes out as do_sample false, without a temperature."""
    async with row("bigmodel") as it:
        await it.stage.chat(model=model, temperature=0, streamed=streamed)
        assert it.service.last.body["do_sample"] is False
        assert "temperature" not in it.service.last.body


@pytest.mark.parametrize("name", ["vllm", "sglang", "openai", "llama-server", "ollama"])
async def test_t1_do_sample_is_temperature_zero_elsewhere(row: MakeRow, name: ServiceName) -> None:
    """T1, from GLM's side: where do_sample is unknown, greedy is temperature 0 (distributed facts 2)."""
    async with row(name) as it:
        await it.stage.chat(do_sample=False, temperature=0.01)
        assert it.service.last.body["temperature"] == 0
        assert "do_sample" not in it.service.last.body


@both
@pytest.mark.parametrize(("given", "model"), [(1.7, "glm-4.6"), (2, "glm-4.6"), (1.01, "glm-5.3"), (2, "glm-4-plus")])
async def test_t2_temperatures_above_one_are_clamped(row: MakeRow, given: float, model: str, streamed: bool) -> None:
    """T2: to the highest that the model takes, and the report says so."""
    async with row() as it:
        told = await it.stage.chat(model=model, temperature=given, streamed=streamed)
        sent = it.service.last.body["temperature"]
        assert 0.9 < sent <= 1
        assert told.noted("temperature") == f"{given:g}->{sent:g}"


@both
async def test_t2_strict_refuses_the_clamp(row: MakeRow, streamed: bool) -> None:
    """T2 in strict mode: 400 that names the field, and the service is not asked."""
    async with row() as it:
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(temperature=1.7, glmgate={"strict": True}, streamed=streamed)
        assert raised.value.param == "temperature"
        with pytest.raises(BadRequestError):
            await it.stage.chat(temperature=1.7, headers={"x-glmgate-strict": "1"}, streamed=streamed)
        assert it.service.requests == []


@pytest.mark.parametrize("name", ["vllm", "sglang", "openai", "llama-server", "ollama", "generic"])
async def test_t2_others_take_temperatures_up_to_two(row: MakeRow, name: ServiceName) -> None:
    """T2: where the range is OpenAI's, nothing is changed."""
    async with row(name) as it:
        told = await it.stage.chat(temperature=1.7)
        assert it.service.last.body["temperature"] == 1.7
        assert not any(note.startswith("temperature") for note in told.notes)


@both
@pytest.mark.parametrize("name", ["zai", "vllm"])
async def test_t3_top_p_zero_is_clamped(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """T3: 0 becomes 0.01."""
    async with row(name) as it:
        told = await it.stage.chat(top_p=0, streamed=streamed)
        assert it.service.last.body["top_p"] == 0.01
        assert told.noted("top_p") == "0->0.01"


@both
async def test_t3_top_p_one(row: MakeRow, streamed: bool) -> None:
    """T3: it is passed where it is in range, and kept below one where the range is open."""
    async with row() as it:
        await it.stage.chat(top_p=1, streamed=streamed)
        assert it.service.last.body.get("top_p", 1) == 1
        await it.stage.chat(model="glm-4-plus", top_p=1, temperature=1, streamed=streamed)
        assert 0.9 < it.service.last.body["top_p"] < 1


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_t4_absent_numbers_are_the_models_own(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """T4: what the caller leaves open is left open."""
    async with row(name) as it:
        told = await it.stage.chat(streamed=streamed)
        assert not {"temperature", "top_p", "do_sample", "max_tokens"} & it.service.last.body.keys()
        assert told.text == "Hello from the service."
        assert told.notes == ()


@both
@pytest.mark.parametrize("members", [{"logprobs": True}, {"logprobs": True, "top_logprobs": 2}])
async def test_n2_logprobs_are_refused_where_there_are_none(row: MakeRow, members: Any, streamed: bool) -> None:
    """N2: who asks for them needs them, so 400 and not an answer without."""
    async with row() as it:
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(**members, streamed=streamed)
        assert raised.value.param in {"logprobs", "top_logprobs"}
        assert it.service.requests == []


@both
@pytest.mark.parametrize("name", ["vllm", "openai", "sglang"])
async def test_n2_logprobs_pass_where_there_are_some(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N2: and come back on every piece."""
    async with row(name) as it:
        told = await it.stage.chat(logprobs=True, streamed=streamed)
        choices = [told.body.choices[0]] if not streamed else [each.choices[0] for each in told.chunks if each.choices]
        tokens = [token.token for each in choices if each.logprobs for token in each.logprobs.content]
        assert "".join(tokens) == "Hello from the service."


@both
@pytest.mark.parametrize(
    ("member", "value"), [("logit_bias", {"1": 5}), ("frequency_penalty", 0.5), ("presence_penalty", 0.5)]
)
async def test_n2_penalties_are_left_out_with_a_report(row: MakeRow, member: str, value: Any, streamed: bool) -> None:
    """N2: dropped by default, said in the report, refused in strict mode; passed where they work."""
    async with row() as it:
        told = await it.stage.chat(**{member: value}, streamed=streamed)
        assert told.noted(member) == "omitted"
        with pytest.raises(BadRequestError) as raised:
            await it.stage.chat(**{member: value}, glmgate={"strict": True}, streamed=streamed)
        assert raised.value.param == member


@pytest.mark.parametrize("name", ["vllm", "openai"])
async def test_n2_penalties_pass_where_they_work(row: MakeRow, name: ServiceName) -> None:
    """N2: unchanged."""
    async with row(name) as it:
        told = await it.stage.chat(logit_bias={"1": 5}, frequency_penalty=0.5, presence_penalty=-0.5)
        assert it.service.last.body["logit_bias"] == {"1": 5}
        assert it.service.last.body["presence_penalty"] == -0.5
        assert told.notes == ()


@both
@pytest.mark.parametrize("name", ["zai", "vllm", "openai"])
async def test_n3_a_seed_is_passed(row: MakeRow, name: ServiceName, streamed: bool) -> None:
    """N3: as it is."""
    async with row(name) as it:
        await it.stage.chat(seed=42, streamed=streamed)
        assert it.service.last.body["seed"] == 42


@both
@pytest.mark.parametrize(
    ("members", "sent"),
    [
        ({"max_completion_tokens": 900}, 900),
        ({"max_completion_tokens": 900, "max_tokens": 800}, 800),
        ({"max_completion_tokens": 800, "max_tokens": 900}, 800),
    ],
)
async def test_n4_max_completion_tokens(row: MakeRow, members: dict[str, Any], sent: int, streamed: bool) -> None:
    """N4: it is max_tokens there; of both the smaller one holds."""
    async with row() as it:
        await it.stage.chat(**members, streamed=streamed)
        assert it.service.last.body["max_tokens"] == sent


@both
@pytest.mark.parametrize(("model", "most"), [("glm-4.6", 131_072), ("glm-4.5", 98_304), ("glm-4.6v", 32_768)])
async def test_n5_limits_above_the_models_are_clamped(row: MakeRow, model: str, most: int, streamed: bool) -> None:
    """N5: to the longest answer of the model, with a report."""
    async with row() as it:
        told = await it.stage.chat(model=model, max_tokens=200_000, streamed=streamed)
        assert it.service.last.body["max_tokens"] == most
        assert told.noted("max_tokens") == f"200000->{most}"


@both
@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ("four", "one two three "),
        (["four", "two", "five", "six"], "one "),
        (["nine", "ten", "five", "four"], "one two three "),
        (["e four f"], "one two thre"),
        (["zero", "e four fi"], "one two thre"),
        (["nine"], "one two three four five six"),
    ],
)
async def test_n6_stops(row: MakeRow, stop: str | list[str], text: str, streamed: bool) -> None:
    """N6: at most one goes upstream, in an array; all of them end the answer, also across chunks."""
    async with row() as it:
        it.service.answer_with("one two three four five six")
        told = await it.stage.chat(stop=stop, streamed=streamed)
        assert told.text == text
        assert told.ending == "stop"
        assert len(it.service.last.body.get("stop") or ()) <= 1


@both
async def test_n6_a_stop_does_not_end_reasoning(row: MakeRow, streamed: bool) -> None:
    """N6: it is for the text; what GLM's own stop does is not relied on."""
    async with row() as it:
        it.service.answer_with(Answer("alpha beta gamma", reasoning="first gamma then "))
        told = await it.stage.chat(stop=["delta", "gamma"], streamed=streamed)
        assert (told.text, told.reasoning) == ("alpha beta ", "first gamma then ")
