"""Counting for a family: what a service does not tell is counted by a model of its family that runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import random_model
from glmgate.adaptation.profile import shipped
from glmgate.app import opened
from glmgate.app.families import Families
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import GlmgateError
from glmgate.policy.usage import UsageQuery, UsageRow
from glmgate.storage.database import Database
from glmgate.storage.reports import SqlReports
from glmgate.wire.chat import ChatRequest, ImageUrl, Message, Part
from glmgate.wire.completions import CompletionRequest
from tests.app.asking import said, settings, upstream
from tests.engines.embedded.asking import supervised
from tests.services import Answer, service

pytestmark = pytest.mark.engine

PULLED = "glm-4.6-small"
ROUTE = '[[models]]\nname = "far"\nroute = [{ upstream = "vllm", model = "GLM/glm-4.6-fp8" }]\n'
MODEST = "[engine]\ncontext = 256\nparallel = 1\nthreads = 1\n"
TEXT = "Four words of an answer"
HI = ChatRequest(model="m", messages=[Message(role="user", content="hi")])


def model(home: Path, name: str = PULLED) -> LocalModel:
    """A pulled model."""
    return LocalModel(name, random_model.write(home / "models" / f"{name}.gguf", random_model.TINY))


async def asked(home: Path, *first: str) -> UsageRow:
    """What the ledger knows of an answer of a service that tells no tokens, after `first` were asked."""
    async with service("vllm") as vllm:
        vllm.usage_nowhere = True
        vllm.answer_with(Answer(TEXT, reasoning=""), always=True)
        found = settings(home, upstream("vllm", vllm) + ROUTE + MODEST, auth=True)
        async with opened(found) as app:
            for name in first:
                await said(app, name, max_tokens=1)
            await said(app, "far", stream=True)
            assert isinstance(app.supervisor, Supervisor)
            assert [each.name for each in app.supervisor.status()] == list(first)
    database = Database(found.storage.url)
    try:
        rows = await SqlReports(database).attempts(UsageQuery(0, 2e10, "all", ("model",)))
    finally:
        await database.aclose()
    (row,) = (row for row in rows if row.group["model"] == "GLM/glm-4.6-fp8")
    assert (row.attempts, row.estimated) == (1, 1)
    return row


async def test_a_model_counts_for_all_of_its_family(tmp_path: Path) -> None:
    """Once it runs: an answer as text, messages as its template writes them."""
    async with supervised(context=256) as supervisor:
        families = Families(supervisor)
        assert not families.knows("glm-4.6")
        families.add(model(tmp_path), shipped("embedded"))
        assert not families.knows("glm-4.6")
        async with supervisor.lease(model(tmp_path)):
            pass
        assert [families.knows(name) for name in ("glm-4.6", "zai/GLM-4.6-FP8", "glm-4.5")] == [True, True, False]
        tokens = await families.answer("glm-4.6", TEXT)
        assert tokens
        assert await families.answer("glm-4.6", "") == 0
        assert await families.prompt("glm-4.6", CompletionRequest(model="m", prompt=TEXT)) == tokens
        assert await families.prompt("glm-4.6", CompletionRequest(model="m", prompt=[1, 2])) is None
        text = await families.answer("glm-4.6", "hi")
        assert (await families.prompt("glm-4.6", HI) or 0) > (text or 0)
        picture = Message(
            role="user", content=[Part(type="image_url", image_url=ImageUrl(url="https://example.org/a.png"))]
        )
        with pytest.raises(GlmgateError):
            await families.prompt("glm-4.6", ChatRequest(model="m", messages=[picture]))


async def test_a_model_that_does_not_run_counts_nothing(tmp_path: Path) -> None:
    """It is not started for it."""
    async with supervised(context=256) as supervisor:
        families = Families(supervisor)
        families.add(model(tmp_path), shipped("embedded"))
        assert await families.answer("glm-4.6", TEXT) is None
        assert await families.prompt("glm-4.6", HI) is None
        assert supervisor.status() == ()


async def test_what_a_service_did_not_tell_is_in_the_ledger_as_counted(tmp_path: Path) -> None:
    """A program that ends has settled it before; without a model that runs it is by the ratio."""
    model(tmp_path)
    async with supervised(context=256) as supervisor:
        families = Families(supervisor)
        families.add(model(tmp_path), shipped("embedded"))
        async with supervisor.lease(model(tmp_path)):
            tokens, prompt = await families.answer("glm-4.6", TEXT), await families.prompt("glm-4.6", HI)
    ratio = -(-len(TEXT) // 4)
    assert tokens != ratio
    counted = await asked(tmp_path, PULLED)
    assert (counted.usage.prompt, counted.usage.completion) == (prompt, tokens)
    (tmp_path / "other").mkdir()
    model(tmp_path / "other")
    assert (await asked(tmp_path / "other")).usage.completion == ratio


async def test_the_built_in_models_count_for_nobody(tmp_path: Path) -> None:
    """They are of no service's family."""
    assert (await asked(tmp_path, "glmgate-tiny")).usage.completion == -(-len(TEXT) // 4)
