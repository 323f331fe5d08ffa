"""Limits, budgets and access through the whole chain: what OpenAI's client sees of them, and what is never overrun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from openai import (
    APIStatusError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)

from glmgate.wire.terms import Budget
from tests.contract.bodies import HELLO, both
from tests.contract.keys import with_terms
from tests.contract.stage import CHAT, Stage, Upstream, models, staged
from tests.services import Service, running
from tests.services.answers import Answer

SAID: Any = HELLO
OFF = {"type": "disabled"}
# A token of an answer costs as much as 16 of a prompt; one of the two models is dear.
PRICES = """
[[prices]]
model = "glm-4.6"
currency = "USD"
input = 0.6
cached_input = 0.11
output = 2.2

[[prices]]
model = "glm-5.2"
currency = "CNY"
input = 8
output = 28
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A gateway that asks for keys, the service behind it, and the keys that tests have made."""

    stage: Stage
    service: Service
    _keys: list[Stage] = field(default_factory=list)

    async def key(self, **terms: Any) -> Stage:
        """The gateway for a new key with these terms."""
        self._keys.append(await with_terms(self.stage, **terms))
        return self._keys[-1]

    def holder(self, key: str) -> Stage:
        """The gateway for who has that key."""
        self._keys.append(replace(self.stage, key=key, _clients={}))
        return self._keys[-1]

    async def aclose(self) -> None:
        """Close all clients."""
        for each in self._keys:
            await each.aclose()


@asynccontextmanager
async def standing(home: Path, *, prices: str = PRICES, extra: str = "") -> AsyncIterator[Standing]:
    """The whole chain."""
    with running("zai") as service:
        tables = models("glm-4.6", "glm-5.2", extra=extra) + prices
        async with staged(home, Upstream(service=service, concurrency=64), tables=tables, auth=True) as stage:
            found = Standing(stage, service)
            try:
                yield found
            finally:
                await found.aclose()


def budget(limit: str, unit: str = "USD", **members: Any) -> tuple[Budget, ...]:
    """One budget."""
    return (Budget(limit=limit, unit=unit, **members),)


def cost(usage: Any) -> int:
    """What an answer of glm-4.6 has cost, in nano-units."""
    cached = usage.prompt_tokens_details.cached_tokens
    return int((usage.prompt_tokens - cached) * 600 + cached * 110 + usage.completion_tokens * 2200)


@both
async def test_answers_say_what_is_left(tmp_path: Path, streamed: bool) -> None:
    """In OpenAI's headers, at the head of a stream too; a key without limits has none."""
    async with standing(tmp_path) as here:
        key = await here.key(rpm=60, tpm=150_000)
        headers = (await key.chat(streamed=streamed, max_tokens=100)).headers
        assert headers["x-ratelimit-limit-requests"] == "60"
        assert headers["x-ratelimit-remaining-requests"] == "59"
        assert headers["x-ratelimit-reset-requests"] == "1s"
        assert headers["x-ratelimit-limit-tokens"] == "150000"
        assert 149_000 < int(headers["x-ratelimit-remaining-tokens"]) < 149_900
        assert headers["x-ratelimit-reset-tokens"].endswith("ms")
        free = (await here.stage.chat(streamed=streamed)).headers
        assert not [name for name in free if name.startswith("x-ratelimit")]


@pytest.mark.parametrize(("base", "code"), [("/v1", "rate_limit_exceeded"), ("/api/paas/v4", "1303")])
@both
async def test_a_limit_that_is_reached_says_which_and_when(
    tmp_path: Path, base: str, code: str, streamed: bool
) -> None:
    """A RateLimitError with the time to wait, in the words of either dialect."""
    async with standing(tmp_path) as here:
        key = await here.key(rpm=1)
        await key.chat(base=base, streamed=streamed)
        with pytest.raises(RateLimitError) as caught:
            await key.chat(base=base, streamed=streamed)
        error, headers = caught.value, caught.value.response.headers
        assert error.code == code
        assert "1 requests per minute" in error.message
        assert "Try again in" in error.message
        assert 58 <= int(headers["retry-after"]) <= 60
        assert 58_000 <= int(headers["retry-after-ms"]) <= 60_000
        assert headers["x-should-retry"] == "true"
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert len(here.service.requests) == 1


async def test_openais_client_waits_as_it_is_told(tmp_path: Path) -> None:
    """And then is let in: ten a second, so the eleventh comes after a tenth of one."""
    async with standing(tmp_path) as here:
        key = await here.key(rpm=600)
        client = AsyncOpenAI(api_key=key.key, base_url=key.base(), max_retries=2)
        begun = time.monotonic()
        async with client:
            await asyncio.gather(*(client.chat.completions.create(model="glm-4.6", messages=SAID) for _ in range(8)))
        assert time.monotonic() - begun < 20
        one = await here.key(rpm=60, in_flight=1)
        async with AsyncOpenAI(api_key=one.key, base_url=one.base(), max_retries=5) as patient:
            answers = await asyncio.gather(
                *(patient.chat.completions.create(model="glm-4.6", messages=SAID) for _ in range(3))
            )
        assert all(answer.choices[0].message.content for answer in answers)


async def test_requests_in_flight_are_exact_and_free_at_once(tmp_path: Path) -> None:
    """With the limit full one more is refused; when one has ended, or its client has left, the next is let in."""
    async with standing(tmp_path) as here:
        here.service.slow(first_s=0.5)
        key = await here.key(in_flight=3)
        results = await asyncio.gather(*(key.chat() for _ in range(9)), return_exceptions=True)
        refused = [result for result in results if isinstance(result, RateLimitError)]
        assert len(refused) == 6
        assert all("3 requests in flight" in error.message for error in refused)
        leaving = [asyncio.create_task(key.chat()) for _ in range(3)]
        await asyncio.sleep(0.2)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await asyncio.sleep(0.2)
        assert (await key.chat()).text


@pytest.mark.parametrize(("base", "code"), [("/v1", "insufficient_quota"), ("/api/paas/v4", "1308")])
async def test_a_budget_that_is_spent_is_not_asked_again(tmp_path: Path, base: str, code: str) -> None:
    """The client's program is told not to try again, and when the next period begins."""
    async with standing(tmp_path) as here:
        key = await here.key(budgets=budget("0.000001"))
        with pytest.raises(RateLimitError) as caught:
            await key.chat(base=base)
        assert caught.value.code == code
        assert "0.000001 USD a month" in caught.value.message
        assert "The next month begins at" in caught.value.message
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert int(caught.value.response.headers["retry-after"]) > 0
        assert here.service.requests == []


@both
async def test_a_hundred_at_once_overrun_no_budget(tmp_path: Path, streamed: bool) -> None:
    """With answers as long as they may be: lowered to what is left and told, then refused; the sum is within."""
    async with standing(tmp_path) as here:
        here.service.answer_with(Answer("word " * 400), always=True)
        key = await here.key(budgets=budget("0.02"))
        results = await asyncio.gather(
            *(key.chat(streamed=streamed, max_tokens=500, thinking=OFF) for _ in range(100)), return_exceptions=True
        )
        answered = [result for result in results if not isinstance(result, BaseException)]
        refused = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(error, RateLimitError) for error in refused)
        assert answered
        assert refused
        spent = sum(cost(result.usage) for result in answered)
        assert 0 < spent <= 20_000_000
        asked = [heard.body["max_tokens"] for heard in here.service.requests]
        assert max(asked) == 500
        lowered = [result for result in answered if result.notes]
        assert all(result.noted("max_tokens").startswith("500->") for result in lowered)


async def test_a_strict_call_is_not_lowered(tmp_path: Path) -> None:
    """It is a 400 that says what would have to be changed, and holds nothing."""
    async with standing(tmp_path) as here:
        key = await here.key(budgets=budget("0.001"))
        with pytest.raises(BadRequestError) as caught:
            await key.chat(max_tokens=4000, headers={"x-glmgate-strict": "1"})
        assert caught.value.code == "not_exact"
        assert here.service.requests == []
        assert (await key.chat(max_tokens=300, thinking=OFF)).notes == ()


async def test_a_currency_that_no_budget_covers_is_not_spent(tmp_path: Path) -> None:
    """A key with dollars does not pay in yuan; one with both does."""
    async with standing(tmp_path) as here:
        key = await here.key(budgets=budget("10"))
        with pytest.raises(RateLimitError, match="CNY"):
            await key.chat(model="glm-5.2", max_tokens=10)
        assert here.service.requests == []
        both_of_them = await here.key(budgets=(*budget("10"), *budget("10", "CNY")))
        await both_of_them.chat(model="glm-5.2", max_tokens=10)


async def test_answers_from_the_cache_cost_no_money(tmp_path: Path) -> None:
    """They count as requests."""
    async with standing(tmp_path, extra="cache = { ttl = 60 }") as here:
        key = await here.key(rpm=30, budgets=budget("1000", "tokens"))
        for place in range(5):
            told = await key.chat(max_tokens=200, temperature=0)
            assert told.headers["x-ratelimit-remaining-requests"] == str(29 - place)
        assert len(here.service.requests) == 1


async def test_a_budget_that_warns_is_told_in_a_header(tmp_path: Path) -> None:
    """And refuses nothing; metrics count it."""
    async with standing(tmp_path) as here:
        key = await here.key(budgets=budget("1", "tokens", mode="warn"))
        assert "x-glmgate-budget-spent" not in (await key.chat()).headers
        assert (await key.chat()).headers["x-glmgate-budget-spent"] == "key tokens month"
        metrics = (await here.stage.app.http.services.operations.exposition()).body.decode()
        assert 'glmgate_budget_overruns_total{level="key",unit="tokens"} 1.0' in metrics


async def test_a_budget_outlives_the_server(tmp_path: Path) -> None:
    """What was spent before a start is known after it, from the ledger."""
    async with standing(tmp_path) as here:
        key = await here.key(budgets=budget("10", "tokens", mode="warn"))
        assert "x-glmgate-budget-spent" not in (await key.chat()).headers
    async with standing(tmp_path) as here:
        again = here.holder(key.key)
        assert (await again.chat()).headers["x-glmgate-budget-spent"] == "key tokens month"


async def test_models_that_are_not_allowed_are_not_there(tmp_path: Path) -> None:
    """403 with OpenAI's code where one is asked for; lists do not show it."""
    async with standing(tmp_path) as here:
        key = await here.key(models=("glm-4.*",))
        await key.chat()
        with pytest.raises(PermissionDeniedError) as caught:
            await key.chat(model="glm-5.2")
        assert caught.value.code == "model_not_found"
        with pytest.raises(PermissionDeniedError) as caught:
            await key.chat(model="glm-5.2", base="/api/paas/v4")
        assert caught.value.code == "1220"
        client = key.client()
        assert [model.id async for model in client.models.list()] == ["glm-4.6"]
        with pytest.raises(NotFoundError):
            await client.models.retrieve("glm-5.2")
        assert (await client.models.retrieve("glm-4.6")).id == "glm-4.6"
        assert [heard.body["model"] for heard in here.service.requests] == ["glm-4.6"]


async def test_an_answer_is_no_longer_than_the_terms_allow(tmp_path: Path) -> None:
    """Whatever the request says; and the terms' default of thinking holds where it says nothing."""
    async with standing(tmp_path) as here:
        key = await here.key(max_tokens=50, thinking="off")
        told = await key.chat(max_tokens=400)
        assert told.noted("max_tokens") == "400->50"
        assert here.service.requests[-1].body["max_tokens"] == 50
        assert here.service.requests[-1].body["thinking"] == {"type": "disabled"}
        await key.chat(thinking={"type": "enabled"})
        assert here.service.requests[-1].body["thinking"]["type"] == "enabled"


async def test_addresses_are_looked_at_before_the_body(tmp_path: Path) -> None:
    """Of who really asks: a header that no trusted proxy has written says nothing."""
    async with standing(tmp_path) as here:
        inside = await here.key(addresses=("127.0.0.0/8",))
        await inside.chat()
        outside = await here.key(addresses=("192.0.2.0/24",))
        with pytest.raises(PermissionDeniedError) as caught:
            await outside.chat(headers={"x-forwarded-for": "192.0.2.1"})
        assert caught.value.code == "ip_not_authorized"


async def test_an_administrators_key_asks_no_model(tmp_path: Path) -> None:
    """And says what does."""
    async with standing(tmp_path) as here:
        key = await here.key(admin=True)
        with pytest.raises(PermissionDeniedError, match="glmgate keys create"):
            await key.chat()


async def test_a_failed_request_gives_back_what_it_held(tmp_path: Path) -> None:
    """Whatever its ending: refused by the service, broken, or left."""
    async with standing(tmp_path) as here:
        key = await here.key(in_flight=1, budgets=budget("1000", "tokens"))
        here.service.fail_with(400, {"error": {"code": "1210", "message": "no"}}, times=3)
        for _ in range(3):
            with pytest.raises(APIStatusError):
                await key.chat(max_tokens=700)
        assert (await key.chat(max_tokens=700)).notes == ()


async def test_a_retry_is_paid_for_too(tmp_path: Path) -> None:
    """Each attempt that the service bills counts, and the answer is what the last one said."""
    async with standing(tmp_path) as here:
        key = await here.key(tpm=100_000, budgets=budget("100000", "tokens"))
        here.service.fail_with(500, {"error": {"code": "500", "message": "broken"}}, times=1)
        await key.chat(max_tokens=100)
        assert len(here.service.requests) == 2


async def test_wrong_keys_are_refused_before_all_that(tmp_path: Path) -> None:
    """With no header of limits, since nobody is known to ask."""
    async with standing(tmp_path) as here:
        unknown = here.holder("who.knows")
        with pytest.raises(AuthenticationError) as caught:
            await unknown.chat()
        assert not [name for name in caught.value.response.headers if name.startswith("x-ratelimit")]


async def test_the_bytes_of_a_refusal_are_the_same_for_both_worlds(tmp_path: Path) -> None:
    """One body that both kinds of clients read."""
    async with standing(tmp_path) as here:
        key = await here.key(rpm=0)
        reply = await key.post(f"/v1{CHAT}", {"model": "glm-4.6", "messages": HELLO})
        error = reply.json["error"]
        assert reply.status == 429
        assert (error["type"], error["code"], error["zai_code"]) == ("rate_limit_error", "rate_limit_exceeded", "1303")
        assert reply.headers["x-should-retry"] == "false"
        assert "retry-after" not in reply.headers
