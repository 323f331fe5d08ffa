"""The administration through the whole chain: what OpenAI's client sets there holds, and what it reads is what was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, PermissionDeniedError, RateLimitError

from glmgate.policy.keyring import KeyOrder
from tests.contract.stage import Stage, Upstream, models, staged
from tests.services import Service, running

PRICES = """
[[models]]
name = "embedding-3"
kind = "embedding"
route = [ { upstream = "it", model = "embedding-3" } ]

[[prices]]
model = "glm-4.6"
currency = "USD"
input = 0.6
cached_input = 0.6
output = 2.2

[[prices]]
model = "glm-5.2"
currency = "CNY"
input = 8
output = 28
"""
IN, OUT = 0.6e-6, 2.2e-6


@dataclass(frozen=True, slots=True)
class Standing:
    """A gateway, the service behind it, and its administrator's client."""

    stage: Stage
    service: Service
    client: AsyncOpenAI

    @property
    def admin(self) -> Any:
        """The administration, in the SDK's words."""
        return self.client.admin.organization

    async def program(self, name: str, **terms: Any) -> Stage:
        """The gateway for a service account in a new project with these terms."""
        project = await self.admin.projects.create(name=name, extra_body={"glmgate": {"terms": terms}})
        account = await self.admin.projects.service_accounts.create(project.id, name=name)
        return Stage(self.stage.port, self.stage.app, account.api_key.value)

    async def project(self, name: str) -> Any:
        """The project of that name."""
        return next(each for each in [each async for each in self.admin.projects.list()] if each.name == name)

    async def used(self, what: str = "completions", **asked: Any) -> list[Any]:
        """The results of the last hour, once all that was asked has reached the database."""
        await asyncio.sleep(0.2)  # rows get there within 20 ms
        report = getattr(self.admin.usage, what)
        width = {} if what == "costs" else {"bucket_width": "1h"}
        page = await report(start_time=int(time.time()) - 60, **width, **asked)
        return [result for bucket in page.data for result in bucket.results]


@asynccontextmanager
async def standing(home: Path) -> AsyncIterator[Standing]:
    """The whole chain."""
    with running("zai") as service:
        tables = models("glm-4.6", "glm-5.2") + PRICES
        async with staged(home, Upstream(service=service, concurrency=64), tables=tables, auth=True) as stage:
            assert stage.app.accounts is not None
            ring = stage.app.accounts.keyring
            root = ring.text(await ring.make(KeyOrder(name="root", kind="admin")))
            async with AsyncOpenAI(
                api_key="", admin_api_key=root, base_url=stage.base(), max_retries=0, timeout=60
            ) as client:
                yield Standing(stage, service, client)


async def test_usage_is_what_was_asked(tmp_path: Path) -> None:
    """Plain and streamed, by project, key and model: the tokens that the clients were told."""
    async with standing(tmp_path) as here:
        shop, desk = await here.program("shop"), await here.program("desk")
        told = [await shop.chat(), await shop.chat(streamed=True), await desk.chat(), await desk.chat(model="glm-5.2")]
        (total,) = await here.used()
        assert total.num_model_requests == 4
        assert total.input_tokens == sum(each.usage.prompt_tokens for each in told)
        assert total.output_tokens == sum(each.usage.completion_tokens for each in told)
        by_project = {each.project_id: each for each in await here.used(group_by=["project_id"])}
        assert by_project[(await here.project("shop")).id].output_tokens == sum(
            each.usage.completion_tokens for each in told[:2]
        )
        by_key = {each.api_key_id: each.num_model_requests for each in await here.used(group_by=["api_key_id"])}
        assert by_key == {shop.key.partition(".")[0]: 2, desk.key.partition(".")[0]: 2}
        by_model = {each.model: each.num_model_requests for each in await here.used(group_by=["model"])}
        assert by_model == {"glm-4.6": 3, "glm-5.2": 1}
        (one,) = await here.used(models=["glm-5.2"], project_ids=[(await here.project("desk")).id])
        assert one.input_tokens == told[3].usage.prompt_tokens
        assert await here.used(project_ids=["default"]) == []
        await shop.aclose()
        await desk.aclose()


async def test_costs_are_what_the_prices_say(tmp_path: Path) -> None:
    """Of each currency by itself; by line items, which are models."""
    async with standing(tmp_path) as here:
        shop = await here.program("shop")
        cheap, dear = await shop.chat(), await shop.chat(model="glm-5.2")
        expected = {
            "usd": cheap.usage.prompt_tokens * IN + cheap.usage.completion_tokens * OUT,
            "cny": dear.usage.prompt_tokens * 8e-6 + dear.usage.completion_tokens * 28e-6,
        }
        results = await here.used("costs")
        assert {each.amount.currency: each.amount.value for each in results} == pytest.approx(expected)
        items = {each.line_item: each.amount.currency for each in await here.used("costs", group_by=["line_item"])}
        assert items == {"glm-4.6": "usd", "glm-5.2": "cny"}
        await shop.aclose()


async def test_embeddings_have_their_own_usage(tmp_path: Path) -> None:
    """And none among the completions."""
    async with standing(tmp_path) as here:
        shop = await here.program("shop")
        answer = await shop.client().embeddings.create(model="embedding-3", input=["a", "b"])
        (result,) = await here.used("embeddings")
        assert (result.input_tokens, result.num_model_requests) == (answer.usage.prompt_tokens, 1)
        assert await here.used() == []
        await shop.aclose()


async def test_terms_that_are_set_hold(tmp_path: Path) -> None:
    """Those of a new project at once, changed ones within a second: rates, models and budgets."""
    async with standing(tmp_path) as here:
        shop = await here.program("shop", rpm=1, models=["glm-4.*"])
        with pytest.raises(PermissionDeniedError, match=r"glm-5\.2"):
            await shop.chat(model="glm-5.2")
        await shop.chat()
        with pytest.raises(RateLimitError, match="1 requests per minute"):
            await shop.chat()
        project = await here.project("shop")
        await here.admin.projects.rate_limits.update_rate_limit(
            f"rl-{project.id}", project_id=project.id, max_requests_per_1_minute=600
        )
        await asyncio.sleep(1)
        await shop.chat()
        budget = {"limit": "1", "unit": "tokens", "period": "day"}
        await here.admin.projects.update(project.id, extra_body={"glmgate": {"terms": {"budgets": [budget]}}})
        await asyncio.sleep(1)
        with pytest.raises(RateLimitError) as caught:
            await shop.chat()
        assert caught.value.code == "insufficient_quota"
        await shop.aclose()


async def test_an_administrators_key_asks_no_model(tmp_path: Path) -> None:
    """403, and nothing reaches the service."""
    async with (
        standing(tmp_path) as here,
        AsyncOpenAI(api_key=here.client.admin_api_key or "", base_url=here.stage.base(), max_retries=0) as client,
    ):
        with pytest.raises(PermissionDeniedError, match="administration"):
            await client.chat.completions.create(model="glm-4.6", messages=[{"role": "user", "content": "Hello"}])
        assert here.service.requests == []
