"""The whole chain for a row of the contract: OpenAI's client, a gateway on a socket, and a strict service behind it.

What a row demands is in the tests; how strict the services are is in `tests/services`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from glmgate.app import App, opened
from glmgate.settings import load
from glmgate.surfaces.server import listening, make
from tests.services import KEYS, Service
from tests.stories.asking import Place, Reply, ask

HELLO: Final[list[dict[str, Any]]] = [{"role": "user", "content": "Hello"}]
CLIENT_KEY: Final = "client.secretOfTheClient"
CHAT: Final = "/chat/completions"
# Nothing here speaks TLS; a context of its own costs each client 40 ms.
_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NO: Final[Mapping[str, str]] = MappingProxyType({})
_TIMEOUTS: Final = "{ connect = 2, first = 5, idle = 5, total = 30 }"


class Table(Protocol):
    """An upstream's table, and the variables that it refers to."""

    def toml(self) -> str:
        """Its text."""
        ...

    def environment(self) -> dict[str, str]:
        """Its secrets, by variable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A service as the settings have it."""

    service: Service
    name: str = "it"
    keys: int = 1
    concurrency: int | str = 8
    timeouts: str = _TIMEOUTS

    def toml(self) -> str:
        """Its table. The secrets are in the environment."""
        keys = [f"env:{self.name.upper()}_KEY_{place}" for place in range(self.keys)]
        return (
            f'[[upstreams]]\nname = "{self.name}"\nprofile = "{self.service.kind.name}"\n'
            f'base_url = "{self.service.base_url}"\ncredentials = {json.dumps(keys)}\n'
            f"concurrency = {json.dumps(self.concurrency)}\ntimeouts = {self.timeouts}\n"
        )

    def environment(self) -> dict[str, str]:
        """Its secrets, those that the service knows."""
        return {f"{self.name.upper()}_KEY_{place}": KEYS[place] for place in range(self.keys)}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as the client's user has it, whether it came whole or in chunks.

    `notes` is the report, of the header and of the body together.
    """

    headers: Mapping[str, str]
    texts: Mapping[int, str]
    reasoning: str
    calls: Sequence[Any]
    finish: Mapping[int, str]
    usage: Any
    model: str
    notes: tuple[str, ...]
    body: Any
    chunks: Sequence[Any] = ()

    @property
    def text(self) -> str:
        """The text of the only choice."""
        (only,) = self.texts.values()
        return only

    @property
    def ending(self) -> str:
        """The finish reason of the only choice."""
        (only,) = self.finish.values()
        return only

    def noted(self, member: str) -> str:
        """What the report says about a member; fails when it says nothing."""
        found = [note.partition("=")[2] for note in self.notes if note.partition("=")[0] == member]
        assert found, f"nothing about {member!r} in the report: {self.notes}"
        return found[0]


@dataclass(slots=True)
class Stage:
    """A gateway that is open, and how to ask it."""

    port: int
    app: App
    key: str = CLIENT_KEY
    _clients: dict[str, AsyncOpenAI] = field(default_factory=dict)

    def base(self, path: str = "/v1") -> str:
        """A base URL."""
        return f"http://127.0.0.1:{self.port}{path}"

    def client(self, path: str = "/v1") -> AsyncOpenAI:
        """OpenAI's client, which tries once."""
        if path not in self._clients:
            self._clients[path] = AsyncOpenAI(
                api_key=self.key,
                base_url=self.base(path),
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(verify=_TLS),
            )
        return self._clients[path]

    async def another(self, name: str) -> Stage:
        """The same gateway for another key of ours."""
        assert self.app.accounts is not None
        keyring = self.app.accounts.keyring
        return Stage(self.port, self.app, keyring.text(await keyring.create(name)))

    async def chat(self, *, streamed: bool = False, base: str = "/v1", **members: Any) -> Told:
        """A chat through OpenAI's client; members that it does not know go into the body all the same."""
        known = {"model": "glm-4.6", "messages": HELLO} | members
        extra = {name: known.pop(name) for name in tuple(known) if name in _EXTRA}
        headers = known.pop("headers", _NO)
        raw = await self.client(base).chat.completions.with_raw_response.create(
            **known, stream=streamed, extra_body=extra, extra_headers=dict(headers)
        )
        answer: Any = raw.parse()
        if streamed:
            return _of_chunks(raw.headers, [chunk async for chunk in answer])
        return _of_whole(raw.headers, answer)

    async def post(self, path: str, body: object, headers: Mapping[str, str] = _NO) -> Reply:
        """The bytes of an answer, which no SDK has touched."""
        return await asyncio.to_thread(ask, Place(self.port, f"Bearer {self.key}"), "POST", path, body, headers=headers)

    async def aclose(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.close()


_EXTRA: Final = frozenset(
    {
        *("thinking", "do_sample", "user_id", "request_id", "top_k", "min_p", "chat_template_kwargs", "glmgate"),
        *("tool_stream", "unheard_of", "meta", "sensitive_word_check", "functions_"),
    }
)


def models(*names: str, upstreams: Sequence[str] = ("it",), extra: str = "") -> str:
    """Tables of models with these names, there and here; of several upstreams the first is preferred."""
    text = ""
    for name in names:
        route = ", ".join(f'{{ upstream = "{upstream}", model = "{name}" }}' for upstream in upstreams)
        text += f'[[models]]\nname = "{name}"\nroute = [ {route} ]\n{extra}\n'
    return text


@contextlib.asynccontextmanager
async def staged(
    home: Path, *upstreams: Table, tables: str, auth: bool = False, server: str = ""
) -> AsyncIterator[Stage]:
    """A gateway with these services; `tables` are those of the models, `server` are lines of its section."""
    text = f'[server]\nauth = {json.dumps(auth)}\nshutdown_grace_s = 2\n{server}\n[log]\nlevel = "warning"\n'
    text += "".join(each.toml() for each in upstreams) + tables
    home.mkdir(parents=True, exist_ok=True)
    (home / "glmgate.toml").write_text(text, encoding="utf-8")
    environment = {name: value for each in upstreams for name, value in each.environment().items()}
    given = load(environment=environment, home=home, flags={("server", "port"): 0})
    ready = asyncio.Event()
    async with opened(given) as app:
        with listening(given.server) as sockets:
            running = make(app.http, given.server, sockets, on_ready=lambda *_: ready.set())
            serving = asyncio.create_task(running.serve(sockets))
            await ready.wait()
            stage = Stage(sockets[0].getsockname()[1], app, app.first_key or CLIENT_KEY)
            try:
                yield stage
            finally:
                await stage.aclose()
                running.should_exit = True
                await serving


@contextlib.contextmanager
def running_stage(home: Path, *upstreams: Table, tables: str) -> Iterator[Stage]:
    """The same on a thread of its own, so that tests can share it whatever loops they have."""
    opened_stage: Future[Stage] = Future()
    stop: Future[Callable[[], object]] = Future()

    async def run() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            async with staged(home, *upstreams, tables=tables) as stage:
                stop.set_result(lambda: loop.call_soon_threadsafe(over.set))
                opened_stage.set_result(stage)
                await over.wait()
        except BaseException as error:
            if opened_stage.done():
                raise
            opened_stage.set_exception(error)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="stage")
    thread.start()
    try:
        yield opened_stage.result(30)
    finally:
        if stop.done():
            stop.result()()
        thread.join(30)


def _of_whole(headers: Any, answer: Any) -> Told:
    message = answer.choices[0].message
    return Told(
        headers=dict(headers),
        texts={choice.index: choice.message.content or "" for choice in answer.choices},
        reasoning=getattr(message, "reasoning_content", None) or "",
        calls=[(call.type, _name(call), _arguments(call)) for call in message.tool_calls or ()],
        finish={choice.index: choice.finish_reason for choice in answer.choices},
        usage=answer.usage,
        model=answer.model,
        notes=_notes(headers, answer),
        body=answer,
    )


def _of_chunks(headers: Any, chunks: list[Any]) -> Told:
    texts: dict[int, str] = {}
    finish: dict[int, str] = {}
    reasoning = ""
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            reasoning += choice.delta.reasoning_content or ""
            if choice.finish_reason:
                assert choice.index not in finish, "two finish reasons for a choice"
                finish[choice.index] = choice.finish_reason
            for piece in choice.delta.tool_calls or ():
                _join(calls, piece)
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert len(usages) == 1, f"usage in {len(usages)} chunks (contract S1)"
    assert len({chunk.id for chunk in chunks}) == 1
    return Told(
        headers=dict(headers),
        texts=texts,
        reasoning=reasoning,
        calls=[tuple(call) for _, call in sorted(calls.items())],
        finish=finish,
        usage=usages[0],
        model=chunks[0].model,
        notes=tuple(dict.fromkeys(note for chunk in chunks for note in _notes(headers, chunk))),
        body=None,
        chunks=chunks,
    )


def _join(calls: dict[int, list[str]], piece: Any) -> None:
    """Put a piece to its call, as every SDK does; the first brings id, type and name (contract 0.4)."""
    assert isinstance(piece.index, int)
    if piece.index not in calls:
        assert piece.id, "a call without an id"
        calls[piece.index] = [piece.type, piece.function.name, ""]
    calls[piece.index][2] += piece.function.arguments or ""


def _name(call: Any) -> str:
    return str(call.function.name if call.type == "function" else call.custom.name)


def _arguments(call: Any) -> str:
    return str(call.function.arguments if call.type == "function" else call.custom.input)


def _notes(headers: Any, answer: Any) -> tuple[str, ...]:
    early = [note.strip() for note in (headers.get("x-glmgate-adaptations") or "").split(";") if note.strip()]
    late = (getattr(answer, "glmgate", None) or {}).get("adaptations", [])
    return tuple(dict.fromkeys([*early, *late]))
