"""Settings that change while requests run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from glmgate.app import App, opened
from glmgate.errors import ModelNotFound, QuotaExhausted
from glmgate.settings import Settings, load
from glmgate.telemetry.log import configure
from glmgate.telemetry.settings import LogSettings
from glmgate.wire.chat import ChatRequest, Message
from tests.app.asking import ENVIRONMENT, call, said, settings, upstream
from tests.services import KEYS, service

GLM = '[[models]]\nname = "glm-4.6"\n'
OTHER = '[[models]]\nname = "glm-4.5"\n'


def watching(found: Settings, reread: Callable[[], Settings]) -> AbstractAsyncContextManager[App]:
    """A program that reads its settings again when they change."""
    return opened(found, reread=reread)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- what is waited for happens in files and logs
            await asyncio.sleep(0.02)


def lines(log: StringIO) -> list[dict[str, Any]]:
    """What the log says of settings."""
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["logger"] == "glmgate.settings"]


@pytest.fixture
def log() -> StringIO:
    """The log of this process, as JSON lines."""
    stream = StringIO()
    configure(LogSettings(format="json"), stream=stream)
    return stream


@pytest.mark.parametrize("by", ["change", "signal"])
async def test_changed_settings_hold_soon(tmp_path: Path, log: StringIO, by: str) -> None:
    """By the change of the file itself, and when it is asked for."""
    async with service("zai") as zai:
        text = upstream("zai", zai)
        async with watching(settings(tmp_path, text + GLM), lambda: settings(tmp_path, text + OTHER)) as app:
            if by == "signal":
                app.reloads.ask()
            else:
                (tmp_path / "glmgate.toml").write_text(text + OTHER + " ")
            await until(lambda: bool(lines(log)))
            assert (await said(app, "glm-4.5"))[0] == "glm-4.5"
            assert {card.id for card in app.catalogue.cards()} >= {"glm-4.5"}
            assert "glm-4.6" not in {card.id for card in app.catalogue.cards()}
    assert lines(log)[0] | {"timestamp": ""} == {
        "event": "settings reloaded",
        "level": "info",
        "logger": "glmgate.settings",
        "timestamp": "",
        "upstreams": ["zai"],
        "models": ["glm-4.5"],
    }


async def test_an_answer_under_way_comes_to_its_end(tmp_path: Path) -> None:
    """Though its upstream is not there any more."""
    async with service("zai") as zai, service("vllm") as vllm:
        zai.slow(between_s=0.05)
        first = settings(tmp_path, upstream("zai", zai) + GLM)
        second = settings(tmp_path, upstream("other", vllm) + OTHER)
        async with watching(first, lambda: second) as app:
            body = ChatRequest(model="glm-4.6", messages=[Message(role="user", content="hi")], stream=True)
            async with app.gateway.generate(call(), body) as answer:
                await anext(answer.deltas)
                assert await app.reloads.reload()
                rest = [delta async for deltas in answer.deltas for delta in deltas]
            assert [delta.finish_reason for delta in rest if delta.finish_reason] == ["stop"]
            engines = (await app.http.services.operations.readiness()).engines
            assert "upstream:other" in engines
            assert "upstream:zai" not in engines


async def test_a_bad_file_is_refused_and_the_old_settings_stay(tmp_path: Path, log: StringIO) -> None:
    """Whatever is wrong with it, requests go on; the log says what is wrong, once."""
    async with service("zai") as zai:
        text = upstream("zai", zai) + GLM
        found = settings(tmp_path, text)

        async with watching(found, lambda: again(tmp_path)) as app:
            for bad in ("[[models]", text + "[server]\nprot = 1\n", text + 'route = [{ engine = "nobody" }]\n'):
                (tmp_path / "glmgate.toml").write_text(bad)
                before = len(lines(log))
                await until(lambda: len(lines(log)) > before)  # noqa: B023 -- awaited within the turn
                assert (await said(app, "glm-4.6"))[0] == "glm-4.6"
            await asyncio.sleep(1.2)
            assert len(lines(log)) == 3
            (tmp_path / "glmgate.toml").unlink()
            await until(lambda: len(lines(log)) == 4)
            assert (await said(app, "glm-4.6"))[0] == "glm-4.6"
    assert [line["level"] for line in lines(log)] == ["error"] * 4
    assert "Do you mean port?" in lines(log)[1]["reason"]
    assert "is gone" in lines(log)[3]["reason"]


def again(home: Path) -> Settings:
    """The settings as the file has them now."""
    return load(environment=ENVIRONMENT, home=home, flags={("server", "auth"): False})


async def test_what_was_learned_is_carried_over(tmp_path: Path) -> None:
    """A parked credential stays parked, whatever else changes; a new one is used at once, a removed one no more."""
    async with service("zai") as zai:
        zai.fail_with(429, code="1113", key=KEYS[0], times=None)
        held = [settings(tmp_path, upstream("zai", zai, keys=keys) + GLM) for keys in (1, 2)]
        async with watching(held[0], held.pop) as app:
            with pytest.raises(QuotaExhausted):
                await said(app, "glm-4.6")
            assert await app.reloads.reload()
            for _ in range(3):
                await said(app, "glm-4.6")
    assert [heard.credential for heard in zai.requests] == [KEYS[0], KEYS[1], KEYS[1], KEYS[1]]


async def test_slots_stay_taken_over_a_reload(tmp_path: Path) -> None:
    """A limit of one is one for old and new requests together."""
    async with service("zai") as zai:
        zai.slow(first_s=0.3)
        found = settings(tmp_path, upstream("zai", zai, more="concurrency = 1") + GLM)
        async with watching(found, lambda: found) as app:
            first = asyncio.create_task(said(app, "glm-4.6"))
            await until(lambda: bool(zai.requests))
            assert await app.reloads.reload()
            await asyncio.gather(first, said(app, "glm-4.6"))
        assert zai.most_in_flight == 1


async def test_a_credential_is_drained(tmp_path: Path) -> None:
    """Taken away, it ends the answer that it began, and begins none."""
    async with service("zai") as zai:
        zai.slow(first_s=0.3)
        text = upstream("zai", zai) + GLM
        held = [settings(tmp_path, text), settings(tmp_path, text.replace("KEY_0", "KEY_1"))]
        async with watching(held[0], held.pop) as app:
            first = asyncio.create_task(said(app, "glm-4.6"))
            await until(lambda: bool(zai.requests))
            assert await app.reloads.reload()
            answers = list(await asyncio.gather(first, said(app, "glm-4.6")))
            assert answers == [("glm-4.6", "Hello from the service.")] * 2
    assert [heard.credential for heard in zai.requests] == [KEYS[0], KEYS[1]]


async def test_a_key_that_is_replaced_in_its_file_is_used(tmp_path: Path, log: StringIO) -> None:
    """Without a change of the settings file."""
    async with service("zai") as zai:
        (tmp_path / "key").write_text(KEYS[0])
        text = upstream("zai", zai).replace("env:KEY_0", "file:key") + GLM
        async with watching(settings(tmp_path, text), lambda: settings(tmp_path, text)) as app:
            await said(app, "glm-4.6")
            (tmp_path / "new").write_text(KEYS[1])
            (tmp_path / "new").replace(tmp_path / "key")
            await until(lambda: bool(lines(log)))
            await said(app, "glm-4.6")
    assert [heard.credential for heard in zai.requests] == [KEYS[0], KEYS[1]]


async def test_what_needs_a_restart_is_said(tmp_path: Path, log: StringIO) -> None:
    """Without the values; the rest of the change holds."""
    async with service("zai") as zai:
        text = upstream("zai", zai)
        more = "[server]\nport = 1234\n[engine]\nthreads = 1\n[aliases]\nopenai = false\n"
        async with watching(settings(tmp_path, text + GLM), lambda: settings(tmp_path, text + GLM + more)) as app:
            assert await app.reloads.reload()
            with pytest.raises(ModelNotFound):
                await said(app, "gpt-4o")
    (told,) = [line for line in lines(log) if line["level"] == "warning"]
    assert told["settings"] == ["[server] port", "[engine] threads"]


async def test_a_file_that_is_made_later_is_taken_in(tmp_path: Path, log: StringIO) -> None:
    """A server that began without any settings file finds it at its usual place."""
    began = load(environment=ENVIRONMENT, home=tmp_path, flags={("server", "auth"): False})
    async with service("zai") as zai, watching(began, lambda: again(tmp_path)) as app:
        (tmp_path / "glmgate.toml").write_text(upstream("zai", zai) + GLM)
        await until(lambda: bool(lines(log)))
        assert await said(app, "glm-4.6") == ("glm-4.6", "Hello from the service.")


async def test_a_fault_of_ours_changes_nothing(tmp_path: Path, log: StringIO) -> None:
    """Whatever goes wrong while settings are read, it is told, and the next change is looked at again."""
    faults: list[Exception] = [RuntimeError("broken")]

    async with service("zai") as zai:
        found = settings(tmp_path, upstream("zai", zai) + GLM)

        def reread() -> Settings:
            if faults:
                raise faults.pop()
            return found

        async with watching(found, reread) as app:
            assert not await app.reloads.reload()
            assert (await said(app, "glm-4.6"))[0] == "glm-4.6"
            app.reloads.ask()
            await until(lambda: len(lines(log)) == 2)
    assert [line["level"] for line in lines(log)] == ["error", "info"]
    assert "RuntimeError: broken" in lines(log)[0]["exception"]
