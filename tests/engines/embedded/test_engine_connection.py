"""The engine when the connection to its child fails, at every place where it can. The child is a scripted peer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.random_model import TINY, write
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.process import Endpoint
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.errors import EngineFailed
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.wire.members import convert
from glmgate.wire.tokenizer import TokenizerRequest
from tests.engines.embedded.asking import CALL, answer, chat, until
from tests.engines.embedded.children import FakeChild
from tests.transport.loopback import Peer, peer, reply

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1}}\n\n'
    b"data: [DONE]\n\n"
)
COUNT = convert({"model": "m", "messages": [{"role": "user", "content": "x"}]}, TokenizerRequest)


class ScriptedLaunch:
    """Starts children that serve, one after the other, at the given sockets."""

    def __init__(self, sockets: list[Path]) -> None:
        self.children: list[FakeChild] = []
        self._sockets = sockets

    async def __call__(self, parameters: Mapping[str, Any], *, timeout_s: float) -> FakeChild:
        """Start the next."""
        transport = AiohttpTransport(socket=self._sockets[len(self.children)], keep_connections=False)
        child = FakeChild(pid=len(self.children) + 1, model="m", endpoint=Endpoint(transport, "key"))
        self.children.append(child)
        return child


@asynccontextmanager
async def scripted(
    folder: Path, script: Script, *, sockets: int = 1, silence_s: float = 10
) -> AsyncIterator[tuple[EmbeddedEngine, ScriptedLaunch, Peer]]:
    """An engine whose last child is a peer that answers with the script; nobody listens at the sockets before."""
    model = LocalModel("m", write(folder / "m.gguf", TINY, template=""))
    paths = [folder / f"{number}.sock" for number in range(sockets)]
    launch = ScriptedLaunch(paths)
    supervisor = Supervisor(EmbeddedSettings(threads=1, context=256, silence_s=silence_s), start=launch)
    async with peer(script, socket=paths[-1]) as heard:
        try:
            yield EmbeddedEngine(model, supervisor), launch, heard
        finally:
            await supervisor.aclose(grace_s=0)
            for child in launch.children:
                await child.endpoint.transport.aclose()


async def good(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A whole answer."""
    writer.write(reply(ANSWER))


async def test_the_child_s_key_goes_with_every_request(tmp_path: Path) -> None:
    """And its connection is not kept."""
    async with scripted(tmp_path, good) as (engine, _, heard):
        assert (await answer(engine, chat())).choices[0].content == "Hi"
    head = heard.heads[0].lower()
    assert b"authorization: bearer key" in head
    assert b"connection: close" in head


async def test_a_child_that_is_gone_before_anything_was_sent_is_not_the_caller_s_trouble(tmp_path: Path) -> None:
    """The supervisor notices, starts the next one, and that one answers."""
    async with scripted(tmp_path, good, sockets=2) as (engine, launch, heard):
        asking = asyncio.create_task(answer(engine, chat()))
        await until(lambda: bool(launch.children))
        launch.children[0].crash()
        assert (await asking).choices[0].content == "Hi"
    assert len(launch.children) == 2
    assert len(heard.heads) == 1


async def test_a_child_that_nobody_can_reach_is_a_failure(tmp_path: Path) -> None:
    """Asked twice, not for ever."""
    async with scripted(tmp_path, good, sockets=2) as (engine, launch, heard):
        with pytest.raises(EngineFailed, match="broke off"):
            await answer(engine, chat())
    assert len(launch.children) == 1
    assert heard.heads == []


@pytest.mark.parametrize(
    "said",
    [b"", HEAD, HEAD + b"5\r\ndata:", HEAD + b"0\r\n\r\n"],
    ids=["nothing", "head", "half an event", "an empty body"],
)
async def test_an_answer_that_breaks_off_anywhere_is_a_failure(tmp_path: Path, said: bytes) -> None:
    """And it is not asked again: the child may have worked on it."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async with scripted(tmp_path, script) as (engine, _, heard):
        with pytest.raises(EngineFailed, match="broke off"):
            await answer(engine, chat())
        assert len(heard.heads) == 1


@pytest.mark.parametrize("said", [b"", HEAD], ids=["before the head", "after the head"])
async def test_a_child_that_is_silent_is_a_failure(tmp_path: Path, said: bytes) -> None:
    """A caller does not wait for ever, and the slot is free again."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()

    async with scripted(tmp_path, script, silence_s=0.05) as (engine, _, __):
        with pytest.raises(EngineFailed, match="silent for too long"):
            await answer(engine, chat())


async def test_a_count_that_breaks_off_is_a_failure(tmp_path: Path) -> None:
    """Whole answers like streams."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"prompt":')
        writer.close()

    async with scripted(tmp_path, script) as (engine, _, __):
        with pytest.raises(EngineFailed, match="broke off"):
            await engine.count(CALL, COUNT)


async def test_a_count_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    """Another build's answer is not guessed at."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b'{"text":"x"}'))

    async with scripted(tmp_path, script) as (engine, _, __):
        with pytest.raises(EngineFailed, match="cannot be read"):
            await engine.count(CALL, COUNT)
