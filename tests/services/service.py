"""A loopback service: strict like the one that it stands for, with answers, failures and breaks as a test says.

It runs on a thread of its own, so that a test may block and ask it from other processes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.services import shapes
from tests.services.answers import PROMPT_TOKENS, Answer, Body, Said, Script, answer_of, said, vector_of
from tests.services.breaks import SSE, Break, BreakKind, Framing, framed, send_broken
from tests.services.connection import NO_HEADERS, Connection, HttpRequest, Left
from tests.services.kinds import KINDS, Kind, ServiceName, error_body
from tests.services.refusals import Look, Refused

KEYS: Final = ("upstream1.secretA", "upstream2.secretB", "upstream3.secretC")
"""The credentials that a service knows."""


@dataclass(slots=True)
class Heard:
    """A request as it came in, and what became of it. Times are of `time.monotonic`.

    `ignored` are the members that the service dropped in silence, as the real one would. `left_at`: when the other side
    closed the connection before the answer was over.
    """

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    at: float
    status: int = 200
    ignored: tuple[str, ...] = ()
    refused: str | None = None
    ended_at: float | None = None
    left_at: float | None = None

    @property
    def credential(self) -> str:
        """The credential that was shown; empty: none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(slots=True)
class _Rule:
    """Something that happens to the next `times` requests (None: to all) of a model or a credential (None: any)."""

    model: str | None
    key: str | None
    times: int | None

    def takes(self, heard: Heard) -> bool:
        """Whether it is this one's turn; counts it then."""
        if self.times == 0 or self.model not in {None, heard.body.get("model")}:
            return False
        if self.key not in {None, heard.credential}:
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass(slots=True)
class _Failure(_Rule):
    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Broken(_Rule):
    how: Break


@dataclass(slots=True)
class Service:
    """What a test tells the service, and what the service heard."""

    kind: Kind
    base_url: str = ""
    requests: list[Heard] = field(default_factory=list)
    framing: Framing = "each"
    bundled: bool = False
    """The last piece of a stream comes on its finish chunk, as some send it (peers 2.2)."""
    usage_everywhere: bool = False
    """Every chunk has the usage, as vLLM's `continuous_usage_stats` makes it."""
    usage_nowhere: bool = False
    """No chunk of a stream has any, whatever was asked for."""
    connections: int = 0
    most_in_flight: int = 0
    _scripts: list[Script] = field(default_factory=list)
    _usual: Script = field(default_factory=Answer)
    _rules: list[_Failure | _Broken] = field(default_factory=list)
    _allowed: int | None = None
    _pace: tuple[float, float] = (0.0, 0.0)
    _in_flight: int = 0
    _ids: Counter[str] = field(default_factory=Counter)

    # What a test says.

    def answer_with(self, *scripts: Script, always: bool = False) -> None:
        """The next answers, one for each request that is not refused; with `always` the only one, for all."""
        if always:
            (self._usual,) = scripts
        else:
            self._scripts += scripts

    def fail_with(
        self,
        status: int,
        body: object = None,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        code: str | None = None,
        times: int | None = 1,
        key: str | None = None,
        model: str | None = None,
    ) -> None:
        """Fail the next `times` requests. Without a body, with an error of this `code` in the service's own form."""
        if body is None:
            body = error_body(self.kind.errors, Refused(status, code or str(status), f"failed on purpose: {code}"))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._rules.append(_Failure(model, key, times, status, content, headers))

    def break_stream(self, how: Break | BreakKind, *, times: int | None = 1, model: str | None = None) -> None:
        """Break the next `times` answers; a kind alone breaks before anything was said."""
        self._rules.append(_Broken(model, None, times, how if isinstance(how, Break) else Break(how)))

    def allow(self, *, concurrent: int | None) -> None:
        """Refuse more requests than these at one time, as GLM does (1302)."""
        self._allowed = concurrent

    def slow(self, first_s: float = 0.0, between_s: float = 0.0) -> None:
        """Take this long before an answer begins, and between its pieces."""
        self._pace = (first_s, between_s)

    def forget(self) -> None:
        """Be as new, for the next test."""
        for kept in (self.requests, self._scripts, self._rules):
            kept.clear()
        self.framing, self._usual, self._allowed, self._pace = "each", Answer(), None, (0.0, 0.0)
        self.bundled = self.usage_everywhere = self.usage_nowhere = False
        self.connections = self.most_in_flight = 0

    # What it heard.

    @property
    def bodies(self) -> list[Mapping[str, Any]]:
        """The decoded bodies, in their order."""
        return [heard.body for heard in self.requests]

    @property
    def last(self) -> Heard:
        """The last request."""
        return self.requests[-1]

    @property
    def refusals(self) -> list[str]:
        """What it refused by itself, not because a test said so."""
        return [heard.refused for heard in self.requests if heard.refused is not None]

    @property
    def ignored(self) -> list[str]:
        """What it dropped in silence, of all requests."""
        return [path for heard in self.requests for path in heard.ignored]

    # How it answers.

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        connection = Connection(reader, writer)
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async for request in connection.requests():
                async with connection.watched():
                    await self._answer(connection, request)
                if writer.is_closing():
                    break
        writer.close()

    async def _answer(self, connection: Connection, request: HttpRequest) -> None:
        body = json.loads(request.content) if request.content else {}
        heard = Heard(request.path, request.headers, body, time.monotonic())
        self.requests.append(heard)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await self._routed(connection, request, heard)
        except Refused as refused:
            heard.status, heard.refused = refused.status, str(refused)
            await connection.whole_json(refused.status, error_body(self.kind.errors, refused))
        except (Left, ConnectionError):
            heard.left_at = time.monotonic()
        finally:
            self._in_flight -= 1
            heard.ended_at = time.monotonic()

    async def _routed(self, connection: Connection, request: HttpRequest, heard: Heard) -> None:
        if self.kind.keyed and heard.credential not in KEYS:
            raise Refused(401, "1000" if heard.credential else "1001", "身份验证失败。")
        if self._allowed is not None and self._in_flight > self._allowed:
            heard.status = 429
            await connection.whole_json(
                429, error_body(self.kind.errors, Refused(429, "1302", "您当前使用该API的并发数过高"))
            )
            return
        broken = next((rule for rule in self._rules if rule.takes(heard)), None)
        if isinstance(broken, _Failure):
            heard.status = broken.status
            await connection.whole(broken.status, broken.body, headers=broken.headers)
            return
        endpoint = request.path.removeprefix(self.kind.path)
        answers: dict[tuple[str, str], Callable[[], Any]] = {
            ("POST", "/chat/completions"): lambda: self._chat(connection, heard, broken),
            ("POST", "/embeddings"): lambda: self._embeddings(connection, heard),
            ("GET", "/models"): lambda: self._models(connection),
        }
        if self.kind.texts:
            answers["POST", "/completions"] = lambda: self._texts(connection, heard)
        if (answer := answers.get((request.method, endpoint))) is None:
            raise Refused(404, "1222", f"no such path: {request.method} {request.path}")
        await answer()

    async def _chat(self, connection: Connection, heard: Heard, broken: _Broken | None) -> None:
        look = Look(heard.body)
        with self._named(heard.body):
            self.kind.check(look)
            heard.ignored = tuple(look.ignored)
            what = said(self._script(heard.body), self.kind.bounds(look))
            await connection.wait(self._pace[0])
            head = self._head(heard)
            if broken is not None:
                what = replace(what, text=()) if broken.how.kind == "empty_stop" else what
                error = error_body(self.kind.errors, Refused(500, "1234", "网络错误"))
                await self._broken(connection, broken.how, (what, head), error.get("error", error))
            elif heard.body.get("stream"):
                await self._stream(connection, framed(self._frames(what, head), self.framing))
            else:
                await connection.whole_json(200, self.kind.shape.whole(what, head))

    def _frames(self, what: Said, head: shapes.Head) -> list[shapes.Frame]:
        frames = list(self.kind.shape.frames(what, head))
        if self.bundled:
            frames = shapes.bundled(frames)
        if self.usage_everywhere:
            for frame in frames:
                frame.body["usage"] = shapes.usage_of(what)
        if self.usage_nowhere:
            frames = [frame for frame in frames if frame.kind != "usage"]
            for frame in frames:
                frame.body.pop("usage", None)
        return frames

    async def _broken(
        self, connection: Connection, how: Break, what: tuple[Said, shapes.Head], error: dict[str, Any]
    ) -> None:
        if self.requests[-1].body.get("stream") or how.kind in {"before_headers", "html", "stall", "reset"}:
            await send_broken(connection, how, list(self.kind.shape.frames(*what)), error)
            return
        whole = json.dumps(self.kind.shape.whole(*what)).encode()
        if how.kind in {"error_event", "error_then_done"}:
            await connection.whole_json(200, {"error": error})
        elif how.kind == "garbage":
            await connection.whole(200, whole[:-1])
        elif how.kind == "empty_stop":
            await connection.whole(200, whole)
        else:
            await connection.whole(200, whole[: len(whole) // 2], missing=len(whole) - len(whole) // 2)
            await connection.cut()

    async def _stream(self, connection: Connection, pieces: list[bytes]) -> None:
        await connection.begin(kind=SSE)
        for piece in pieces:
            await connection.piece(piece)
            await connection.wait(self._pace[1])
        await connection.end()

    async def _texts(self, connection: Connection, heard: Heard) -> None:
        what = said(self._script(heard.body), self.kind.bounds(Look(heard.body)))
        what = replace(what, reasoning=(), calls=())
        head = self._head(heard)
        if heard.body.get("stream"):
            await self._stream(connection, framed(list(shapes.text_frames(what, head)), self.framing))
        else:
            await connection.whole_json(200, shapes.text_whole(what, head))

    async def _embeddings(self, connection: Connection, heard: Heard) -> None:
        look = Look(heard.body)
        size = self.kind.embeddings(look)
        packed = self.kind.base64 and heard.body.get("encoding_format") == "base64"
        heard.ignored = tuple(name for name in look.ignored if name != "encoding_format")
        inputs = heard.body["input"]
        texts = [inputs] if isinstance(inputs, str) else inputs
        vectors = [vector_of(json.dumps(text), size) for text in texts]
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ]
        tokens = PROMPT_TOKENS * len(texts)
        usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
        await connection.wait(self._pace[0])
        await connection.whole_json(200, {"model": heard.body["model"], "object": "list", "data": data, "usage": usage})

    async def _models(self, connection: Connection) -> None:
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "z-ai"} for name in self.kind.models]
        await connection.whole_json(200, {"object": "list", "data": data})

    def _script(self, body: Body) -> Answer:
        return answer_of(self._scripts.pop(0) if self._scripts else self._usual, body)

    def _head(self, heard: Heard) -> shapes.Head:
        body = heard.body
        own = str(body.get("request_id") or f"20260313050506{len(self.requests):016x}")
        return shapes.Head(
            id=self.kind.id_form.format(own),
            model=str(body.get("model")),
            choices=body.get("n") or 1,
            include_usage=(body.get("stream_options") or {}).get("include_usage") is True,
            pieces_of_calls=body.get("tool_stream") is True,
            logprobs=body.get("logprobs") is True,
        )

    @contextmanager
    def _named(self, body: Body) -> Iterator[None]:
        """GLM refuses a request whose id is in flight already (contract 3.5, 1231)."""
        name = str(body.get("request_id") or "")
        if name and self._ids[name] and self.kind.errors == "glm":
            raise Refused(400, "1231", f"您已有请求：{name}")
        self._ids[name] += 1
        try:
            yield
        finally:
            self._ids[name] -= 1


@asynccontextmanager
async def service(name: ServiceName) -> AsyncIterator[Service]:
    """A service of this kind on a loopback port."""
    with running(name) as found:
        yield found


@contextmanager
def running(name: ServiceName) -> Iterator[Service]:
    """The same for tests without a loop."""
    found = Service(KINDS[name])
    port: Future[int] = Future()
    stop: Future[Callable[[], object]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_run(found, port, stop)), name=f"service-{name}")
    thread.start()
    try:
        found.base_url = f"http://127.0.0.1:{port.result(10)}{found.kind.path}"
        yield found
    finally:
        stop.result(10)()
        thread.join(10)


async def _run(found: Service, port: Future[int], stop: Future[Callable[[], object]]) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    stop.set_result(lambda: loop.call_soon_threadsafe(over.set))
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await found.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=16 * 1024 * 1024)
    port.set_result(server.sockets[0].getsockname()[1])
    await over.wait()
    server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
