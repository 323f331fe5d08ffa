"""The chains of routes, from the settings to services that answer."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from glmgate.app import opened
from glmgate.errors import GlmgateError, ModelNotFound, SettingsError
from glmgate.settings import load
from glmgate.wire.chat import ChatRequest, Message
from tests.app.asking import call, embedded, moved, said, settings, upstream
from tests.services import KEYS, service

GLM = '[[models]]\nname = "glm-4.6"\naliases = ["gpt-4o"]\n'


async def test_a_route_is_asked_with_our_credential(tmp_path: Path) -> None:
    """The service sees our secret, its own name for the model, and never the client's key."""
    async with service("zai") as zai:
        text = upstream("zai", zai) + GLM + 'route = [{ upstream = "zai", model = "glm-4.5" }]\n'
        async with opened(settings(tmp_path, text)) as app:
            assert await said(app, "glm-4.6") == ("glm-4.5", "Hello from the service.")
        assert (zai.last.credential, zai.last.body["model"]) == (KEYS[0], "glm-4.5")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_alias_is_answered_and_reported(tmp_path: Path, *, stream: bool) -> None:
    """The answer says who speaks, the report that it is another."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM)) as app:
        asked = call()
        assert (await said(app, "gpt-4o", asked=asked, stream=stream))[0] == "glm-4.6"
    assert "model=gpt-4o->glm-4.6" in [str(note) for note in asked.notes]
    assert (asked.deployment, [attempt.outcome for attempt in asked.attempts]) == ("zai/glm-4.6", ["ok"])


async def test_the_next_of_a_route_answers_where_the_first_fails(tmp_path: Path) -> None:
    """And the report says so where it is another model."""
    route = 'route = [{ upstream = "zai" }, { upstream = "spare", model = "zai-org/GLM-4.5-Air" }]\n'
    async with service("zai") as zai, service("vllm") as spare:
        zai.fail_with(429, code="1113", times=None)
        text = upstream("zai", zai) + upstream("spare", spare) + GLM + route
        asked = call()
        async with opened(settings(tmp_path, text)) as app:
            model, _ = await said(app, "glm-4.6", asked=asked)
    assert model == "zai-org/GLM-4.5-Air"
    assert asked.deployment == "spare/zai-org/GLM-4.5-Air"
    assert "model=glm-4.6->glm-4.5-air" in [str(note) for note in asked.notes]
    assert [attempt.deployment for attempt in asked.attempts] == ["zai/glm-4.6", "spare/zai-org/GLM-4.5-Air"]


async def test_a_parked_credential_is_seen(tmp_path: Path) -> None:
    """Without money on the one, the other is used, and the readiness and the metrics show which rests."""
    async with service("zai") as zai:
        zai.fail_with(429, code="1113", key=KEYS[0], times=None)
        async with opened(settings(tmp_path, upstream("zai", zai, keys=2) + GLM)) as app:
            for _ in range(3):
                await said(app, "glm-4.6")
            state = (await app.http.services.operations.readiness()).engines["upstream:zai"]
            metrics = (await app.http.services.operations.exposition()).body.decode()
    assert sum(heard.credential == KEYS[0] for heard in zai.requests) == 1
    assert (state["state"], state["credentials"], state["parked"]) == ("ready", 2, 1)
    assert 'glmgate_upstream_parked{credential="0",upstream="zai"} 1.0' in metrics
    assert 'glmgate_breaker_state{deployment="zai/glm-4.6",state="closed"} 1.0' in metrics


async def test_models_of_one_upstream_share_its_slots(tmp_path: Path) -> None:
    """A limit is one of the credential, whichever model is asked for."""
    text = '[[models]]\nname = "glm-4.5"\n[[models]]\nname = "glm-4.6"\n'
    async with service("zai") as zai:
        zai.allow(concurrent=1)
        zai.slow(first_s=0.05)
        async with opened(settings(tmp_path, upstream("zai", zai, more="concurrency = 1\n") + text)) as app:
            await asyncio.gather(*(said(app, model) for model in ("glm-4.5", "glm-4.6") * 3))
        assert zai.most_in_flight == 1
        assert [heard.status for heard in zai.requests] == [200] * 6


@pytest.mark.engine
async def test_a_local_model_can_be_in_a_route(tmp_path: Path) -> None:
    """It answers when the service cannot, under its own name."""
    async with service("zai") as zai:
        zai.fail_with(500, times=None)
        text = upstream("zai", zai) + GLM + 'route = [{ upstream = "zai" }, { engine = "glmgate-tiny" }]\n'
        async with opened(settings(tmp_path, text)) as app:
            assert (await said(app, "glm-4.6", max_tokens=4))[0] == "glmgate-tiny"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("engine", "told"),
    [("glmgate-tyni", "Do you mean glmgate-tiny?"), ("all-minilm-l6-v2", "a model of the kind 'embedding'")],
)
async def test_a_local_model_has_to_be_there(tmp_path: Path, engine: str, told: str) -> None:
    """Told at the start, with the nearest one."""
    text = GLM + f'route = [{{ engine = "{engine}" }}]\n'
    with pytest.raises(SettingsError) as caught:
        async with opened(settings(tmp_path, text)):
            pass
    assert told in caught.value.message


async def test_the_cache_of_a_model_answers_the_same_request(tmp_path: Path) -> None:
    """Where it is on; what it gave is said."""
    more = "cache = { ttl = 60 }\n"
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM + more)) as app:
        asked = [call(), call()]
        for each in asked:
            await said(app, "glm-4.6", asked=each, temperature=0)
    assert len(zai.requests) == 1
    assert [each.cache_use for each in asked] == ["miss", "hit"]


async def test_embeddings_are_routed(tmp_path: Path) -> None:
    """By a model of that kind."""
    async with service("bigmodel") as bigmodel:
        text = upstream("bm", bigmodel) + '[[models]]\nname = "embedding-3"\n'
        async with opened(settings(tmp_path, text)) as app:
            assert await embedded(app, "embedding-3", "a", "b") == ("embedding-3", 2048)


async def test_the_built_in_models_do_not_stand_in(tmp_path: Path) -> None:
    """Names that no route has are answered by the first route, or by nobody."""
    async with service("zai") as zai, opened(settings(tmp_path, upstream("zai", zai) + GLM)) as app:
        assert (await said(app, "gpt-4.1"))[0] == "glm-4.6"
        with pytest.raises(ModelNotFound):
            await embedded(app, "embedding-3", "a")


async def test_keys_in_the_environment_route_glm_names(tmp_path: Path) -> None:
    """Under the names that are asked for; OpenAI's by the usual one."""
    found = load(environment={"ZAI_API_KEY": KEYS[0]}, home=tmp_path, flags={("server", "auth"): False})
    async with service("zai") as zai:
        async with opened(moved(found, zai)) as app:
            assert await said(app, "GLM-4.5") == ("glm-4.5", "Hello from the service.")
            asked = call()
            assert (await said(app, "gpt-4o", asked=asked))[0] == "glm-4.6"
            assert "model=gpt-4o->glm-4.6" in [str(note) for note in asked.notes]
            assert {card.id: card.owned_by for card in app.catalogue.cards()}["glm-4.6"] == "zai"
        assert {heard.credential for heard in zai.requests} == {KEYS[0]}


async def test_a_made_up_name_is_counted_with_others(tmp_path: Path) -> None:
    """Names that a pattern lets through must not fill the metrics."""
    found = load(environment={"ZAI_API_KEY": KEYS[0]}, home=tmp_path, flags={("server", "auth"): False})
    async with service("zai") as zai, opened(moved(found, zai)) as app:
        for number in range(100):
            with pytest.raises(GlmgateError):
                await said(app, f"glm-9-{number:04}")
        metrics = (await app.http.services.operations.exposition()).body
    assert b"glm-9-" not in metrics
    assert b'deployment="zai/other"' in metrics


async def test_who_leaves_takes_the_call_along(tmp_path: Path) -> None:
    """Through the whole chain, at once: the service stops to work for nobody."""
    async with service("zai") as zai:
        zai.slow(between_s=5)
        async with opened(settings(tmp_path, upstream("zai", zai) + GLM)) as app:
            body = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="hi")], stream=True)
            async with app.gateway.generate(call(), body) as answer:
                await anext(answer.deltas)
                left = time.monotonic()
            async with asyncio.timeout(5):
                while zai.last.left_at is None:  # noqa: ASYNC110 -- the service is on another thread
                    await asyncio.sleep(0.005)
    assert zai.last.left_at - left < 1  # 100 ms are promised; a loaded machine may take its time to see it
