"""The server as a whole: start, stop, clients that leave, limits."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from itertools import repeat
from pathlib import Path

import openai
import pytest

from glmgate.errors import EngineFailed, SettingsError
from glmgate.surfaces.server import listening
from glmgate.surfaces.settings import ServerSettings
from tests.fakes.gateway import HELLO, KEY, WORDS, FakeGateway
from tests.surfaces.live import CHAT, Live, post, serving, until

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
PROGRAM = """
import asyncio
import uvloop
from glmgate.surfaces.server import listening, make
from glmgate.surfaces.settings import ServerSettings
from tests.fakes.gateway import HELLO, FakeGateway
from tests.surfaces.conftest import application

async def main():
    settings = ServerSettings(port=0, shutdown_grace_s=10)
    app = application(FakeGateway(script=(*HELLO[:2], 0.6, *HELLO[1:])), settings)
    with listening(settings) as sockets:
        server = make(app, settings, sockets, on_ready=lambda host, port: print(port, flush=True))
        await server.serve(sockets)
    print("ended", flush=True)

asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""


@pytest.mark.parametrize("stream", [True, False])
async def test_work_ends_within_100_ms_after_the_client_left(*, stream: bool) -> None:
    """Plain and streamed alike."""
    gateway = FakeGateway(script=(HELLO[0], 60.0))
    async with serving(gateway) as live:
        async with live.connect() as connection:
            await connection.post(CHAT, QUESTION | {"stream": stream})
            await until(lambda: gateway.running, within_s=2)
        assert await until(lambda: not gateway.running, within_s=2) < 0.1
        assert gateway.cancelled == 1


async def test_clients_that_vanish_leave_nothing_behind() -> None:
    """200 connect and go: no task, no connection, no file descriptor stays."""
    gateway = FakeGateway(script=(HELLO[0], 60.0))
    async with serving(gateway, total_body_bytes=1_000_000) as live:
        async with live.connect() as connection:  # whatever the first request sets up is there
            await connection.post("/v1/embeddings", {"model": "m", "input": "x"})
            await connection.response()
        await until(lambda: not live.server.server_state.connections, within_s=2)
        tasks, files = len(asyncio.all_tasks()), _open_files()
        await asyncio.gather(*(_vanish(live, number) for number in range(200)))
        await until(lambda: not live.server.server_state.connections and not gateway.running, within_s=5)
        await until(lambda: len(asyncio.all_tasks()) == tasks, within_s=2)
        assert _open_files() == files
        assert live.application.services.budget.used_bytes == 0


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _vanish(live: Live, number: int) -> None:
    """Go at some moment: in the head, in the body, while waiting, while reading."""
    request = post(CHAT, QUESTION | {"stream": number % 2 == 0})
    async with live.connect() as connection:
        await connection.send(request[: [10, len(request) - 5, len(request), len(request)][number % 4]])
        if number % 8 == 2:
            await connection.head()


async def test_large_body_is_answered_while_it_is_still_sent() -> None:
    """The client reads 413 and is not stuck with the rest."""
    async with serving(FakeGateway(), max_body_bytes=1000) as live, live.connect() as connection:
        await connection.send(post(CHAT, b"", {"Content-Length": "50000000"}))
        sender = asyncio.create_task(connection.send(b"x" * 50_000_000))
        answer = await asyncio.wait_for(connection.response(), 5)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        await asyncio.wait_for(asyncio.gather(sender, return_exceptions=True), 10)


async def test_body_that_stops_is_answered_408() -> None:
    """And its connection closed."""
    async with serving(FakeGateway(), body_timeout_s=0.1) as live, live.connect() as connection:
        await connection.send(post(CHAT, b"", {"Content-Length": "100000"}) + b"{")
        answer = await connection.response()
        assert (answer.status, answer.headers["connection"]) == (408, "close")


async def test_refusal_comes_before_the_body_is_asked_for() -> None:
    """A client that waits for `100 Continue` with a wrong key never sends its body."""
    async with serving(FakeGateway()) as live, live.connect() as connection:
        wrong = {"Authorization": "Bearer wrong", "Expect": "100-continue", "Content-Length": "1000"}
        await connection.send(post(CHAT, b"", wrong))
        answer = await connection.response()
        assert (answer.status, answer.headers["connection"]) == (401, "close")


async def test_slow_reader_slows_the_work_down() -> None:
    """What a client does not read is not generated on end: memory stays bounded."""
    gateway = FakeGateway(script=repeat(WORDS * 20, 20_000))
    async with serving(gateway) as live:
        with socket.create_connection(("127.0.0.1", live.port)) as raw:
            await asyncio.to_thread(raw.sendall, post(CHAT, QUESTION | {"stream": True}))
            await until(lambda: gateway.running, within_s=2)
            await asyncio.sleep(0.5)
            played = gateway.played
            await asyncio.sleep(0.2)
            assert gateway.played == played < 20_000
        await until(lambda: not gateway.running, within_s=2)


async def test_stream_is_read_by_openais_sdk() -> None:
    """Comments in silence, both text keys, usage at the end."""
    gateway = FakeGateway(script=(HELLO[0], 0.1, *HELLO[1:]))
    async with serving(gateway, comment_after_s=0.03) as live, _sdk(live) as sdk:
        stream = await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello there"
        assert chunks[-1].usage is not None
        assert chunks[0].choices[0].delta.reasoning_content == "hm"  # type: ignore[attr-defined]


async def test_failure_on_the_way_raises_in_openais_sdk() -> None:
    """After the first text, with the message of the event."""
    gateway = FakeGateway(script=(*HELLO[:2], EngineFailed("the engine broke")))
    async with serving(gateway) as live, _sdk(live) as sdk:
        stream = await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        with pytest.raises(openai.APIError, match="the engine broke"):
            async for _ in stream:
                pass


async def test_refusals_are_the_right_exceptions_of_openais_sdk() -> None:
    """Class, code and id."""
    async with serving(FakeGateway()) as live, _sdk(live) as sdk:
        with pytest.raises(openai.BadRequestError) as bad:
            await sdk.chat.completions.create(model="m", messages="x")  # type: ignore[arg-type]
        assert (bad.value.param, bad.value.code) == ("messages", "invalid_type")
        assert bad.value.request_id
        with pytest.raises(openai.AuthenticationError):
            await sdk.with_options(api_key="sk-wrong").models.list()
        with pytest.raises(openai.APIStatusError) as unserved:
            await sdk.responses.create(model="m", input="x")
        assert (unserved.value.status_code, unserved.value.code) == (501, "unsupported_endpoint")


def _sdk(live: Live) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=KEY, base_url=f"http://127.0.0.1:{live.port}/v1/")


async def test_shutdown_lets_streams_finish() -> None:
    """The stream ends well; no new connection is taken."""
    gateway = FakeGateway(script=(HELLO[0], 0.5, *HELLO[1:]))
    async with serving(gateway) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION | {"stream": True})
        await connection.head()
        live.server.should_exit = True
        body = b"".join([chunk async for chunk in connection.chunks()])
        assert body.endswith(b"data: [DONE]\n\n")


async def test_shutdown_ends_streams_after_the_grace() -> None:
    """Who is still there is told why."""
    gateway = FakeGateway(script=(HELLO[0], 60.0))
    async with serving(gateway, shutdown_grace_s=1) as live, live.connect() as connection:
        await connection.post(CHAT, QUESTION | {"stream": True})
        await connection.head()
        live.server.should_exit = True
        body = b"".join([chunk async for chunk in connection.chunks()])
        assert b"service_unavailable" in body
        assert b"[DONE]" not in body


def test_taken_port_stops_the_start() -> None:
    """Before anything else is started, with what to do about it."""
    with listening(ServerSettings(port=0)) as sockets:
        sockets[0].listen()
        port = sockets[0].getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} .* is taken"), listening(ServerSettings(port=port)):
            pass


def test_unknown_host_stops_the_start() -> None:
    """The message shows it."""
    with (
        pytest.raises(SettingsError, match=r"'no\.such\.host\.invalid'"),
        listening(ServerSettings(host="no.such.host.invalid")),
    ):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_server_without_keys_listens_on_loopback_only(host: str) -> None:
    """Nobody opens a server without keys to the world by one flag."""
    with pytest.raises(SettingsError, match="Without keys"), listening(ServerSettings(host=host, auth=False)):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_program_well(number: signal.Signals) -> None:
    """uvloop, a stream under way, a signal: the stream ends with `[DONE]`, the program with 0."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(post(CHAT, QUESTION | {"stream": True}))
            received = client.recv(65536)
            program.send_signal(number)
            while piece := client.recv(65536):
                received += piece
        assert received.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert program.stdout.read() == "ended\n"
        assert program.wait(timeout=10) == 0
