"""What the chains of routes put down: each call that a service bills, and no other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from glmgate.app import App, opened
from glmgate.errors import GlmgateError
from glmgate.routing.books import KeptBooks
from glmgate.wire.charge import ONE_CALL
from glmgate.wire.chat import ChatRequest, FunctionDefinition, Message, Tool
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call
from glmgate.wire.rerank import RerankRequest
from tests.app.asking import call, said, settings, upstream
from tests.fakes.journal import FakeJournal
from tests.services import KEYS, Answer, Break, ScriptedCall, Service, service

GLM = '[[models]]\nname = "glm-4.6"\n'
PRICES = '[[prices]]\nmodel = "glm-*"\ncurrency = "USD"\ninput = 1\noutput = 2\n'
TOOL = Tool(type="function", function=FunctionDefinition(name="get_weather"))


class Kept:
    """A program whose attempts are put down here."""

    def __init__(self, app: App) -> None:
        self.journal = FakeJournal()
        self._catalogue = app.catalogue
        self._books = KeptBooks(journal=self.journal, instance="i", prices=app.reloads.settings.prices)

    def call(self, **changes: Any) -> Call:
        """A call with these books."""
        return call(books=self._books, **changes)

    async def ask(self, asked: Call | None = None, **members: Any) -> str:
        """The text that answers a chat."""
        given = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="hi")], **members)
        engine = self._catalogue.resolve("glm-4.6", "chat").deployment.engine
        async with engine.stream(asked or self.call(), given) as deltas:
            return "".join([delta.content or "" async for read in deltas for delta in read])

    async def embed(self, model: str, *texts: str) -> None:
        """Have texts embedded."""
        engine = self._catalogue.resolve(model, "embedding").deployment.engine
        await engine.embed(self.call(), EmbeddingsRequest(model=model, input=list(texts)))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_one_row_with_what_the_service_said(tmp_path: Path, *, stream: bool) -> None:
    """By place, with its price."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM + PRICES)) as app:
        kept = Kept(app)
        await kept.ask(stream=stream)
    (reserved,), (settled,) = kept.journal.reservations, kept.journal.settlements
    place = reserved.place
    assert (place.deployment, place.upstream, place.model, place.credential) == ("zai/glm-4.6", "zai", "glm-4.6", 0)
    usage = settled.charge.usage
    assert usage.completion > 0
    assert (settled.outcome, settled.charge.estimated, settled.reported) == ("ok", False, usage)
    assert settled.charge.amount == usage.prompt * 1000 + usage.completion * 2000
    assert (reserved.estimate.amount or 0) >= settled.charge.amount


async def test_usage_in_every_chunk_is_the_same_charge(tmp_path: Path) -> None:
    """It is cumulative, not to be summed."""
    async with service("vllm") as vllm, opened(settings(tmp_path, upstream("vllm", vllm) + GLM)) as app:
        kept = Kept(app)
        for vllm.usage_everywhere in (False, True):
            vllm.answer_with(Answer("one two three"))
            await kept.ask(stream=True)
    once, everywhere = (row.charge for row in kept.journal.settlements)
    assert (once.usage.prompt, once.usage.completion) == (everywhere.usage.prompt, everywhere.usage.completion)
    assert once.usage.completion > 0
    assert not once.estimated
    assert not everywhere.estimated


async def test_a_retry_and_another_service_are_rows_of_their_own(tmp_path: Path) -> None:
    """Each failed one cost nothing, where it failed before its first word."""
    route = 'route = [{ upstream = "zai" }, { upstream = "spare" }]\n'
    async with service("zai") as zai, service("vllm") as spare:
        zai.fail_with(500, times=None)
        text = upstream("zai", zai) + upstream("spare", spare) + GLM + route
        async with opened(settings(tmp_path, text)) as app:
            kept = Kept(app)
            asked = kept.call()
            await kept.ask(asked)
        assert len(kept.journal.settlements) == len(zai.requests) + len(spare.requests) > 2
    assert kept.journal.is_balanced
    assert kept.journal.outcomes == [attempt.outcome for attempt in asked.attempts]
    assert [row.charge.usage.total > 0 for row in kept.journal.settlements] == [
        outcome == "ok" for outcome in kept.journal.outcomes
    ]


async def test_a_credential_that_is_parked_was_one_row(tmp_path: Path) -> None:
    """The next one is another; both say which it was."""
    async with service("zai") as zai:
        zai.fail_with(429, code="1113", key=KEYS[0], times=None)
        async with opened(settings(tmp_path, upstream("zai", zai, keys=2) + GLM)) as app:
            kept = Kept(app)
            await kept.ask()
    assert kept.journal.outcomes == ["refused", "ok"]
    assert [row.place.credential for row in kept.journal.reservations] == [0, 1]


async def test_choices_and_emulations_are_rows_of_their_own(tmp_path: Path) -> None:
    """As many as the service was asked."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM)) as app:
        kept = Kept(app)
        await kept.ask(n=3)
        assert kept.journal.outcomes == ["ok"] * 3
        zai.answer_with(Answer("I only talk."), Answer("", calls=(ScriptedCall("get_weather", {}),)))
        await kept.ask(tools=[TOOL], tool_choice="required")
        assert len(kept.journal.settlements) == len(zai.requests) > 4


async def test_what_was_not_sent_is_no_row(tmp_path: Path) -> None:
    """From the cache, from another's call, and where the request is refused before."""
    more = "cache = {}\ncoalesce = true\n"
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM + more)) as app:
        zai.slow(first_s=0.05)
        kept = Kept(app)
        calls = [kept.call() for _ in range(3)]
        await asyncio.gather(*(kept.ask(one, temperature=0) for one in calls))
        assert (len(kept.journal.settlements), len(zai.requests)) == (1, 1)
        assert [len(one.charges) for one in calls].count(1) == 1
        hit = kept.call()
        await kept.ask(hit, temperature=0)
        assert (hit.cache_use, hit.charges) == ("hit", [])
        with pytest.raises(GlmgateError):
            await kept.ask(n=1000)
    assert len(kept.journal.reservations) == 1


@pytest.mark.parametrize("after", [None, 2])
async def test_a_broken_stream_is_estimated(tmp_path: Path, after: int | None) -> None:
    """The service counted what it had said, and could not tell."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM)) as app:
        await broken(zai, kept := Kept(app), after)
    row = kept.journal.settlements[0]
    assert row.outcome == ("failed_before" if after is None else "truncated")
    assert (row.charge.usage.completion > 0) is (after is not None)


async def broken(zai: Service, kept: Kept, after: int | None) -> None:
    """An answer that breaks off."""
    zai.answer_with(Answer("a story of many words, " * 20))
    zai.break_stream("cut" if after is None else Break("cut", after), times=None)
    with pytest.raises(GlmgateError):
        await kept.ask(stream=True)


async def test_batches_of_vectors_are_rows_of_their_own(tmp_path: Path) -> None:
    """Each is a call."""
    model = '[[models]]\nname = "embedding-3"\n'
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + model)) as app:
        kept = Kept(app)
        await kept.embed("embedding-3", *["some text"] * 100)
        assert len(kept.journal.settlements) == len(zai.requests) > 1
    assert all(row.outcome == "ok" and row.charge.usage.prompt for row in kept.journal.settlements)


@pytest.mark.engine
async def test_a_local_model_is_put_down_without_a_price(tmp_path: Path) -> None:
    """Its upstream is empty."""
    async with opened(settings(tmp_path, "")) as app:
        kept = Kept(app)
        name = next(each.id for each in app.catalogue.cards() if each.kind == "embedding")
        await kept.embed(name, "some text")
    (reserved,), (settled,) = kept.journal.reservations, kept.journal.settlements
    assert (reserved.place.upstream, reserved.place.deployment) == ("", name)
    assert (settled.charge.usage.prompt > 0, settled.charge.amount) == (True, None)


PER_CALL = '[[prices]]\nmodel = "*"\ncurrency = "USD"\ncall = "0.25"\n'
A_CALL = 250_000_000


async def test_a_price_for_a_call_is_charged_for_each_that_is_billed(tmp_path: Path) -> None:
    """Once: for chats, choices, vectors and rankings; also where the answer was broken off."""
    text = GLM + '[[models]]\nname = "embedding-3"\n' + PER_CALL
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + text)) as app:
        for work in (
            lambda asked: said(app, "glm-4.6", asked=asked),
            lambda asked: said(app, "glm-4.6", asked=asked, n=3),
            lambda asked: app.gateway.embed(asked, EmbeddingsRequest(model="embedding-3", input=["some text"] * 100)),
            lambda asked: app.gateway.rerank(
                asked, RerankRequest(model="embedding-3", query="which?", documents=["this", "that"])
            ),
        ):
            before, asked = len(zai.requests), call()
            await work(asked)
            assert [charge.amount for charge in asked.charges] == [A_CALL] * (len(zai.requests) - before)
            assert all(charge.units == ONE_CALL for charge in asked.charges)
        zai.break_stream(Break("cut", 1))
        broken_off = call()
        with pytest.raises(GlmgateError):
            await said(app, "glm-4.6", "many words", asked=broken_off, stream=True)
        assert [charge.amount for charge in broken_off.charges] == [A_CALL]


async def test_a_call_that_is_not_billed_costs_no_call(tmp_path: Path) -> None:
    """Nor does an answer from the cache: a failure before its first word is none, and its retry is one."""
    text = GLM + "cache = {}\n" + PER_CALL
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + text)) as app:
        zai.fail_with(500)
        again, cached = call(), call()
        await said(app, "glm-4.6", asked=again, temperature=0)
        assert [(charge.amount, charge.units.calls) for charge in again.charges] == [(0, 0), (A_CALL, 1)]
        await said(app, "glm-4.6", asked=cached, temperature=0)
        assert (cached.cache_use, cached.charges) == ("hit", [])
        zai.fail_with(400, code="1210")
        refused = call()
        with pytest.raises(GlmgateError):
            await said(app, "glm-4.6", "other", asked=refused)
        assert [charge.amount for charge in refused.charges] == [0]
