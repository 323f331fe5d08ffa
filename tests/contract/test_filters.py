"""Filters through OpenAI's client, the gateway and a service: what a client sees, plain and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from openai import BadRequestError, InternalServerError

from glmgate.wire.terms import Terms
from tests.contract.stage import Stage, Upstream, models, staged
from tests.fakes.accounts import put
from tests.services import Answer, ScriptedCall, Service, service
from tests.stories.asking import Place, ask

MAIL: Final = "jane.doe@example.com"
CARD: Final = "4111 1111 1111 1111"
BASES: Final = ("/v1", "/api/paas/v4")
FILTERED: Final = {"/v1": "content_filter", "/api/paas/v4": "sensitive"}
SEND: Final[dict[str, Any]] = {
    "type": "function",
    "function": {"name": "send", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}},
}
TABLES: Final = """
[filtering]
default = ["mail", "card"]
sensitive_word_check = "house-words"

[[filters]]
name = "mail"
kind = "email"
replacement = "[e-mail {n}]"

[[filters]]
name = "card"
kind = "card"
action = "refuse"

[[filters]]
name = "house-words"
kind = "words"
words = ["forbidden", "禁词"]

[[filters]]
name = "short"
kind = "size"
most = 30
direction = "input"

"""


@asynccontextmanager
async def filtered(home: Path, *, tables: str = TABLES, auth: bool = False) -> AsyncIterator[tuple[Stage, Service]]:
    """A gateway with filters in front of a service."""
    async with service("zai") as zai:
        extra = tables + models("glm-4.6", "embedding-3")
        async with staged(home, Upstream(service=zai), tables=extra, auth=auth) as stage:
            yield stage, zai


def user(text: str) -> list[dict[str, Any]]:
    """A conversation."""
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("base", BASES)
async def test_addresses_are_masked_both_ways(tmp_path: Path, base: str, *, streamed: bool) -> None:
    """The service never sees them, the client never sees the service's; the report says how many there were."""
    async with filtered(tmp_path) as (stage, zai):
        zai.answer_with(Answer(text=f"Write to {MAIL} or a@b.io.", reasoning=f"{MAIL} it is. "))
        told = await stage.chat(streamed=streamed, base=base, messages=user(f"I am {MAIL}, not c@d.io or {MAIL}."))
        assert zai.last.body["messages"] == user("I am [e-mail 1], not [e-mail 2] or [e-mail 1].")
        assert told.text == "Write to [e-mail 1] or [e-mail 2]."
        assert told.reasoning == "[e-mail 1] it is. "
        assert (told.noted("messages"), told.noted("answer"), told.ending) == ("masked:3", "masked:3", "stop")


@pytest.mark.parametrize("streamed", [False, True])
async def test_calls_are_masked_and_stay_json(tmp_path: Path, *, streamed: bool) -> None:
    """Arguments are read by programs."""
    async with filtered(tmp_path) as (stage, zai):
        zai.answer_with(Answer("", calls=(ScriptedCall("send", {"to": MAIL, "text": 'say "é"'}),)))
        told = await stage.chat(streamed=streamed, tools=[SEND])
        ((_, name, arguments),) = told.calls
        assert (name, json.loads(arguments)) == ("send", {"to": "[e-mail 1]", "text": 'say "é"'})
        assert told.ending == "tool_calls"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("base", BASES)
async def test_a_request_is_refused_in_the_dialects_words(tmp_path: Path, base: str, *, streamed: bool) -> None:
    """400, `content_filter` and 1301, the filter and the place; the service is not asked."""
    async with filtered(tmp_path) as (stage, zai):
        body = {"model": "glm-4.6", "messages": [*user("hi"), *user(f"pay {CARD}.")], "stream": streamed}
        reply = await stage.post(f"{base}/chat/completions", body)
        error = reply.error
        codes = ("content_filter", "1301") if base == "/v1" else ("1301", "content_filter")
        assert (reply.status, error["code"], error.get("zai_code") or error.get("openai_code")) == (400, *codes)
        assert (error["param"], error["type"]) == ("messages[1]", "invalid_request_error")
        assert "'card'" in error["message"]
        assert "4111" not in reply.body.decode()
        with pytest.raises(BadRequestError):
            await stage.chat(base=base, streamed=streamed, messages=user(f"pay {CARD}."))
        assert zai.requests == []


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("base", BASES)
async def test_an_answer_is_refused_in_the_dialects_words(tmp_path: Path, base: str, *, streamed: bool) -> None:
    """What came before it is there, and the finish reason says that it was filtered."""
    async with filtered(tmp_path) as (stage, zai):
        zai.answer_with(Answer(text=f"The card is {CARD}, so pay."))
        told = await stage.chat(streamed=streamed, base=base)
        assert (told.text, told.ending) == ("The card is ", FILTERED[base])
        metrics = (await metrics_of(stage))["glmgate_filtered_total"]
        assert metrics == {'{action="refuse",direction="output",filter="card"}': 1.0}


@asynccontextmanager
async def with_filters(stage: Stage, name: str) -> AsyncIterator[Stage]:
    """The gateway for a key whose terms name a filter."""
    assert stage.app.accounts is not None
    keyring, store = stage.app.accounts.keyring, stage.app.accounts.store
    key = await keyring.create(name)
    await put(store, replace(key, terms=Terms(filters=(name,))))
    other = Stage(stage.port, stage.app, keyring.text(key))
    try:
        yield other
    finally:
        await other.aclose()


async def metrics_of(stage: Stage) -> dict[str, dict[str, float]]:
    """All samples, by name and labels."""
    reply = await asyncio.to_thread(ask, Place(stage.port, f"Bearer {stage.key}"), "GET", "/metrics")
    found: dict[str, dict[str, float]] = {}
    for line in reply.body.decode().splitlines():
        if not line.startswith("#"):
            sample, _, value = line.rpartition(" ")
            name, brace, labels = sample.partition("{")
            found.setdefault(name, {})[brace + labels] = float(value)
    return found


async def test_a_strict_call_is_refused_where_something_would_be_masked(tmp_path: Path) -> None:
    """It asked for nothing to be changed."""
    async with filtered(tmp_path) as (stage, _):
        with pytest.raises(BadRequestError, match="messages"):
            await stage.chat(messages=user(f"I am {MAIL}."), headers={"x-glmgate-strict": "1"})


@pytest.mark.parametrize("base", BASES)
async def test_gls_word_check_is_obeyed(tmp_path: Path, base: str) -> None:
    """ENABLE adds the filter and goes on to a service that has it; DISABLE takes no filter away."""
    async with filtered(tmp_path) as (stage, zai):
        check = {"type": "ALL", "status": "ENABLE"}
        zai.answer_with("also 禁词", always=True)
        told = await stage.chat(base=base, messages=user("a forbidden word"), sensitive_word_check=check)
        assert (zai.last.body["messages"], told.text) == (user("a *** word"), "also ***")
        assert (zai.last.body["sensitive_word_check"], told.noted("sensitive_word_check")) == (check, "emulated")
        off = {"type": "ALL", "status": "DISABLE"}
        told = await stage.chat(base=base, messages=user(f"forbidden {MAIL}."), sensitive_word_check=off)
        assert (zai.last.body["messages"], told.text) == (user("forbidden [e-mail 1]."), "also 禁词")


async def test_the_word_check_is_no_loss_where_a_service_lacks_it(tmp_path: Path) -> None:
    """A strict call goes through: it was obeyed before."""
    async with (
        service("openai") as it,
        staged(tmp_path, Upstream(service=it), tables=TABLES + models("glm-4.6")) as stage,
    ):
        check = {"type": "ALL", "status": "ENABLE"}
        strict = {"x-glmgate-strict": "1"}
        told = await stage.chat(sensitive_word_check=check, headers=strict)
        assert told.noted("sensitive_word_check") == "emulated"
        assert "sensitive_word_check=omitted" not in told.notes
        with pytest.raises(BadRequestError):
            await stage.chat(sensitive_word_check={"type": "ALL", "status": "DISABLE"}, headers=strict)


async def test_keys_have_filters_and_a_missing_one_lets_nothing_pass(tmp_path: Path) -> None:
    """Of their own, their project's and their organisation's."""
    async with filtered(tmp_path, auth=True) as (stage, zai):
        long = user("This is a rather long question.")
        async with with_filters(stage, "short") as short, with_filters(stage, "lost") as lost:
            assert (await stage.chat(messages=long)).ending == "stop"
            with pytest.raises(BadRequestError, match="'short'"):
                await short.chat(messages=long)
            with pytest.raises(InternalServerError, match="'lost'") as raised:
                await lost.chat()
        assert (raised.value.status_code, raised.value.response.headers["x-should-retry"]) == (503, "false")
        assert len(zai.requests) == 1


async def test_cached_answers_are_filtered_for_who_asks(tmp_path: Path) -> None:
    """A key without the filter sees the same answer as it came; what was masked is in no key of the cache."""
    tables = TABLES.replace('default = ["mail", "card"]', "default = []")
    async with service("zai") as zai:
        extra = tables + models("glm-4.6", extra="cache = { ttl = 60 }")
        async with staged(tmp_path, Upstream(service=zai), tables=extra, auth=True) as stage:
            zai.answer_with(f"Ask {MAIL}.", always=True)
            async with with_filters(stage, "mail") as careful:
                texts = [(await each.chat(temperature=0)).text for each in (stage, careful, stage)]
            assert texts == [f"Ask {MAIL}.", "Ask [e-mail 1].", f"Ask {MAIL}."]
            assert len(zai.requests) == 1


async def test_embeddings_are_made_of_what_is_left(tmp_path: Path) -> None:
    """Inputs are texts too."""
    async with filtered(tmp_path) as (stage, zai):
        await stage.client().embeddings.create(model="embedding-3", input=["x", f"by {MAIL}"])
        assert zai.last.body["input"] == ["x", "by [e-mail 1]"]
        with pytest.raises(BadRequestError, match=r"input\[0\]"):
            await stage.client().embeddings.create(model="embedding-3", input=[f"{CARD}, x"])


async def test_no_text_is_in_any_log_metric_or_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither where it is masked nor where it is refused, coming or going."""
    async with filtered(tmp_path) as (stage, zai):
        zai.answer_with(f"Ask {MAIL}.", f"Pay {CARD}, now.")
        told = [str((await stage.chat(messages=user(f"I am {MAIL}."))).body) for _ in range(2)]
        for text in (f"Pay {CARD}.", f"{MAIL} {CARD}."):
            reply = await stage.post("/v1/chat/completions", {"model": "glm-4.6", "messages": user(text)})
            told.append(reply.body.decode() + str(dict(reply.headers)))
        told.append(str(await metrics_of(stage)))
    written = capfd.readouterr()
    everything = "".join([*told, written.out, written.err])
    assert not [part for part in (MAIL, "jane", "4111") if part in everything]
