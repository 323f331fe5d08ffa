"""Looks at upstreams, beside what requests tell."""

from __future__ import annotations

import asyncio
from pathlib import Path

from glmgate.app import App, opened
from tests.app.asking import said, settings, upstream
from tests.services import KEYS, Service, service

MODELS = '[[models]]\nname = "glm-4.6"\n[[models]]\nname = "glm-4.5"\n'


async def state(app: App) -> str:
    """What `/readyz` says of the upstream."""
    found: str = (await app.http.services.operations.readiness()).engines["upstream:zai"]["state"]
    return found


async def until(app: App, wanted: str) -> None:
    """Wait until the upstream is in this state."""
    async with asyncio.timeout(10):
        while await state(app) != wanted:  # noqa: ASYNC110 -- the looks tell nobody
            await asyncio.sleep(0.01)


def looks(zai: Service) -> int:
    """How often it was looked at."""
    return sum(heard.path.endswith("/models") for heard in zai.requests)


async def test_an_upstream_that_breaks_is_seen_without_any_request(tmp_path: Path) -> None:
    """One look at a time for all its models, with our credential; and it is seen when it comes back."""
    async with service("zai") as zai:
        zai.fail_with(502, times=20)
        text = upstream("zai", zai, more="check = 0.02") + MODELS
        async with opened(settings(tmp_path, text)) as app:
            await until(app, "failing")
            assert {heard.credential for heard in zai.requests} == {KEYS[0]}
            await until(app, "ready")
            assert (await said(app, "glm-4.6"))[0] == "glm-4.6"
        assert looks(zai) == len(zai.requests) - 1


async def test_a_look_is_one_for_all_models(tmp_path: Path) -> None:
    """Two models of one upstream are not two reasons to ask it."""
    async with service("zai") as zai:
        text = upstream("zai", zai, more="check = 3600") + MODELS
        async with opened(settings(tmp_path, text)):
            async with asyncio.timeout(10):
                while not looks(zai):  # noqa: ASYNC110 -- as above
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
        assert looks(zai) == 1


async def test_without_a_setting_nobody_looks(tmp_path: Path) -> None:
    """A look costs the service something, so it is asked for."""
    async with service("zai") as zai:
        async with opened(settings(tmp_path, upstream("zai", zai) + MODELS)):
            await asyncio.sleep(0.1)
        assert not zai.requests
