"""Each way in which an answer can break, before and after its first byte, for the users of OpenAI's and GLM's clients.

What they see is always an exception, and the right one; it is never a short answer that looks whole.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from openai import APIError, APIStatusError

from tests.clients.environments import Name
from tests.clients.running import Report, run_script
from tests.contract.bodies import HELLO
from tests.contract.stage import CLIENT_KEY, Upstream, models, staged
from tests.services import BREAKS, Answer, Break, BreakKind, ServiceName, running
from tests.services.breaks import EARLY

ANSWER: Final = Answer("one two three four five", reasoning="hm well ")
REASONED: Final = 2
SPOKEN: Final = 4
SAID: Final[Mapping[int, str]] = {0: "", REASONED: "hm well ", SPOKEN: "hm well one two "}
QUICK: Final = "{ connect = 5, first = 4, idle = 2, total = 8 }"
BRIEF: Final = "{ connect = 5, first = 10, idle = 1, total = 20 }"
TABLES: Final = models("glm-4.6")
USER: Final[Any] = HELLO
SDKS: Final[tuple[tuple[Name, str, str], ...]] = (
    ("openai-3", "openai", "/v1"),
    ("zhipuai", "zhipuai", "/api/paas/v4"),
    ("zai", "zai", "/api/paas/v4"),
)
WHOLE: Final[tuple[BreakKind, ...]] = (
    *("before_headers", "cut", "error_event", "empty_stop", "html", "garbage", "stall", "reset"),
)
"""The breaks that a plain answer can have."""


@dataclass(frozen=True, slots=True)
class Case:
    """A break. It happens to a model of its own for each client, so that no breaker opens for another case."""

    kind: BreakKind
    after: int
    streamed: bool

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.kind}-{self.after}-{'streamed' if self.streamed else 'plain'}"

    @property
    def is_healed(self) -> bool:
        """Whether asking again helps: HTML with 200 is a wrong address, and a stall has used up the time already."""
        return self.after == 0 and self.kind not in {"html", "stall"}

    def model(self, client: Name) -> str:
        """The model to ask."""
        return f"{client}-{self.name}"


def cases() -> Iterator[Case]:
    """All that make sense."""
    for kind in BREAKS:
        yield Case(kind, 0, streamed=True)
        if kind not in EARLY:
            yield Case(kind, REASONED, streamed=True)
        if kind not in EARLY and kind != "empty_stop":
            yield Case(kind, SPOKEN, streamed=True)
    for kind in WHOLE:
        yield Case(kind, 0, streamed=False)


CASES: Final = tuple(cases())


def bodies(client: Name) -> str:
    """What a client is to send, by the names of the cases."""
    return json.dumps(
        {case.name: {"model": case.model(client), "messages": HELLO, "stream": case.streamed} for case in CASES}
    )


@pytest.fixture(scope="module", params=["vllm"])
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Name, Report]:
    """What each client saw of every break."""
    return asyncio.run(_reports(request.param, tmp_path_factory.mktemp("breaks")))


async def _reports(name: ServiceName, home: Path) -> dict[Name, Report]:
    names = [case.model(client) for client, _, _ in SDKS for case in CASES]
    with running(name) as service:
        service.answer_with(ANSWER, always=True)
        for client, _, _ in SDKS:
            for case in CASES:
                how = Break(case.kind, case.after, pause_s=0.3)
                service.break_stream(how, times=None, model=case.model(client))
        upstream = Upstream(service=service, concurrency=100, timeouts=QUICK)
        async with staged(home, upstream, tables=models(*names)) as stage:
            found = await asyncio.gather(
                *(
                    asyncio.to_thread(run_script, client, "breaking", sdk, stage.base(path), CLIENT_KEY, bodies(client))
                    for client, sdk, path in SDKS
                )
            )
    return {client: report for (client, _, _), report in zip(SDKS, found, strict=True)}


@pytest.mark.clients
@pytest.mark.parametrize("client", [client for client, _, _ in SDKS])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_break_is_the_right_exception(reports: dict[Name, Report], client: Name, case: Case) -> None:
    """Before the first byte a status of its own; after it the SDK's exception for an error in a stream."""
    raised = reports[client].raised(case.name)
    said = reports[client].stories[case.name]["said"]
    if case.after == 0:
        assert raised["status"] in {502, 503, 504}, raised
        assert said == ""
        assert error_of(raised).get("message")
    else:
        assert raised["class"] == ("APIError" if client.startswith("openai") else "APIResponseError"), raised
        assert said == SAID[case.after]


def error_of(raised: dict[str, Any]) -> dict[str, Any]:
    """The error of the body that came with an exception."""
    error: dict[str, Any] = json.loads(raised["text"])["error"]
    return error


@pytest.mark.parametrize("case", [case for case in CASES if case.after], ids=lambda case: case.name)
async def test_a_break_of_glms_own_streams(tmp_path: Path, case: Case) -> None:
    """Their errors have numbers in text, and their chunks no reason until the end; the exception is the same."""
    with running("zai") as service:
        service.answer_with(ANSWER, always=True)
        service.break_stream(Break(case.kind, case.after, pause_s=0.1))
        async with staged(tmp_path / "home", Upstream(service=service, timeouts=BRIEF), tables=TABLES) as stage:
            stream: Any = await stage.client().chat.completions.create(model="glm-4.6", messages=USER, stream=True)
            said: list[str] = []
            with pytest.raises(APIError) as raised:
                await into(said, stream)
        assert not isinstance(raised.value, APIStatusError)
        assert "".join(said) == SAID[case.after]
        assert len(service.requests) == 1


async def into(said: list[str], stream: Any) -> None:
    """Read a stream to its end."""
    async for chunk in stream:
        delta = chunk.choices[0].delta
        said.append((delta.reasoning_content or "") + (delta.content or ""))


@pytest.mark.parametrize("case", [case for case in CASES if case.is_healed], ids=lambda case: case.name)
async def test_a_break_before_the_first_byte_is_healed(tmp_path: Path, case: Case) -> None:
    """Nothing has left, so it is asked again, and the client sees a whole answer."""
    with running("zai") as service:
        service.answer_with(ANSWER, always=True)
        service.break_stream(case.kind, times=1)
        upstream = Upstream(service=service, timeouts=QUICK)
        async with staged(tmp_path / "home", upstream, tables=models("glm-4.6")) as stage:
            told = await stage.chat(streamed=case.streamed)
        assert (told.text, told.reasoning) == (ANSWER.text, ANSWER.reasoning)
        assert len(service.requests) == 2


async def test_a_break_after_the_first_byte_is_never_tried_again(tmp_path: Path) -> None:
    """Reasoning counts: a second attempt would say it twice."""
    with running("zai") as service:
        service.answer_with(ANSWER, always=True)
        service.break_stream(Break("cut", 1, pause_s=0.3))
        async with staged(tmp_path / "home", Upstream(service=service), tables=models("glm-4.6")) as stage:
            body = {"model": "glm-4.6", "messages": HELLO, "stream": True}
            reply = await stage.post("/v1/chat/completions", body)
        assert reply.stream.chunks[-1]["error"]["message"]
        assert b"[DONE]" not in reply.body
        assert len(service.requests) == 1


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_page_of_a_proxy_is_healed(tmp_path: Path, status: int, streamed: bool) -> None:
    """HTML with a status of its own comes from something between us and the service."""
    with running("zai") as service:
        service.fail_with(status, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"})
        async with staged(tmp_path / "home", Upstream(service=service), tables=models("glm-4.6")) as stage:
            assert (await stage.chat(streamed=streamed)).text == "Hello from the service."
        assert len(service.requests) == 2


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_a_stall_ends_in_time(tmp_path: Path, streamed: bool) -> None:
    """With headers and nothing behind them, the next of the route is asked: in a stream when the first piece is late.

    A whole answer has all of the time, because it only begins when it is finished.
    """
    with running("zai") as stalled, running("bigmodel") as other:
        stalled.break_stream("stall", times=None)
        timeouts = "{ connect = 2, first = 1, idle = 1, total = 2 }"
        upstreams = (Upstream(service=stalled, timeouts=timeouts), Upstream(service=other, name="other"))
        async with staged(tmp_path / "home", *upstreams, tables=models("glm-4.6", upstreams=("it", "other"))) as stage:
            began = time.monotonic()
            told = await stage.chat(streamed=streamed)
            took = time.monotonic() - began
        assert told.text == "Hello from the service."
        assert len(other.requests) == 1
        assert took < 6


async def test_no_break_keeps_a_slot(tmp_path: Path) -> None:
    """With one slot for each service, the next request has it, however the last one ended."""
    kinds = [kind for kind in BREAKS if kind not in EARLY]
    with running("generic") as service:
        upstreams = [
            Upstream(service=service, name=f"u{place}", concurrency=1, timeouts=BRIEF) for place in range(len(kinds))
        ]
        tables = "".join(models(kind, upstreams=(f"u{place}",)) for place, kind in enumerate(kinds))
        for kind in kinds:
            service.break_stream(Break(kind, 1, pause_s=0.2), model=kind)
        async with staged(tmp_path / "home", *upstreams, tables=tables) as stage:

            async def broken_then_whole(kind: str) -> str:
                with pytest.raises(APIError):
                    await stage.chat(model=kind, streamed=True)
                return (await stage.chat(model=kind, streamed=True)).text

            said = await asyncio.gather(*map(broken_then_whole, kinds))
        assert said == ["Hello from the service."] * len(kinds)


async def test_an_answer_that_takes_too_long(tmp_path: Path) -> None:
    """The time for all of it ends a stream that never falls silent."""
    with running("zai") as service:
        service.slow(between_s=0.2)
        service.answer_with(Answer("word " * 100), always=True)
        timeouts = "{ connect = 5, first = 5, idle = 5, total = 1.5 }"
        async with staged(tmp_path / "home", Upstream(service=service, timeouts=timeouts), tables=TABLES) as stage:
            began = time.monotonic()
            with pytest.raises(APIError):
                await stage.chat(streamed=True)
            assert 1 < time.monotonic() - began < 5
        assert service.last.left_at is not None or service.last.ended_at is not None


@pytest.mark.parametrize("fails", [1, None])
async def test_a_failure_after_the_headers_have_left(tmp_path: Path, fails: int | None) -> None:
    """A comment keeps a slow stream open; an attempt may still be made again, as no word has left."""
    with running("zai") as service:
        service.slow(first_s=0.5)
        service.break_stream("cut", times=fails)
        upstream = Upstream(service=service)
        async with staged(tmp_path / "home", upstream, tables=TABLES, server="comment_after_s = 0.1") as stage:
            body = {"model": "glm-4.6", "messages": HELLO, "stream": True}
            reply = await stage.post("/v1/chat/completions", body)
        assert reply.status == 200
        assert reply.stream.blocks[0].startswith(b":")
        if fails is None:
            assert reply.stream.chunks[-1]["error"]["message"]
            assert b"[DONE]" not in reply.body
        else:
            assert reply.stream.text() == "Hello from the service."
            assert reply.stream.data[-1] == b"[DONE]"


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_a_service_that_is_gone(tmp_path: Path, streamed: bool) -> None:
    """Nobody listens: the next of the route answers, and says that it did."""
    with running("zai") as gone:
        pass
    with running("bigmodel") as other:
        upstreams = (Upstream(service=gone, name="gone"), Upstream(service=other, name="other"))
        tables = models("glm-4.6", upstreams=("gone", "other"))
        async with staged(tmp_path / "home", *upstreams, tables=tables) as stage:
            told = await stage.chat(streamed=streamed)
        assert told.text == "Hello from the service."
        assert len(other.requests) == 1
