"""Contents in the log: of whom, how much, and how masked."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest

from glmgate.policy.filters.logged import masked
from glmgate.telemetry.contents import ContentLog, is_on
from glmgate.telemetry.flight import Flight
from glmgate.telemetry.log import configure
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller
from glmgate.wire.members import read
from glmgate.wire.terms import Level, Scope, Terms
from tests.telemetry.records import flight, record
from tests.telemetry.test_log import JSON, lines, logging_as_before

__all__ = ["logging_as_before"]

ON = Terms(contents=True)


def call(*scopes: Scope) -> Call:
    """A call of a caller with these terms."""
    return Call("req-1", Caller("a1", project="web", scopes=scopes), "openai", uid="u-1")


def told(
    *scopes: Scope,
    asked: Flight | None = None,
    said: tuple[Delta, ...] = (),
    most: int = 16_384,
    ending: str = "completed",
) -> list[Any]:
    """The lines that a request makes."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    log = ContentLog(masked, most=most)
    one = asked or flight(call(*scopes))
    log.began(one)
    one.passes(one.request)
    if one.tap is not None:
        one.tap(said)
    log.ended(record(uid="u-1", project="web", ending=ending))
    return lines(stream)


def asked(content: Any) -> ChatRequest:
    """A chat as it comes in."""
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    return read(msgspec.json.encode(body), ChatRequest)


@pytest.mark.parametrize(
    ("level", "terms", "on"),
    [("project", ON, True), ("project", Terms(), False), ("organisation", ON, False), ("key", ON, False)],
)
def test_only_a_project_switches_it_on(level: Level, terms: Terms, on: bool) -> None:
    """A key's owner cannot have others' words logged, nor can an organisation behind its projects' backs."""
    assert is_on(Caller("a1", scopes=(Scope(level, "it", terms),))) == on


def test_by_default_nothing_is_held_or_written() -> None:
    """Not even in memory: nobody listens."""
    one = flight(call())
    ContentLog(masked).began(one)
    assert one.tap is None
    assert told(asked=one) == []


def test_a_line_holds_what_was_asked_and_said() -> None:
    """Thinking and calls as well, beside the ids of the request's line."""
    said = (
        Delta(reasoning="hm "),
        Delta(content="hello"),
        Delta(tool_calls=(ToolCallDelta(0, id="c", name="look", arguments="{}"),)),
    )
    (line,) = told(Scope("project", "web", ON), said=said)
    assert (line["event"], line["logger"]) == ("contents", "glmgate.contents")
    assert (line["request_id"], line["uid"], line["key_id"], line["project"]) == ("req-1", "u-1", "a1", "web")
    assert line["request"] == '{"messages":[{"role":"user","content":"hi"}]}'
    assert line["answer"] == "hm hellolook{}"


def test_secrets_are_masked_on_both_sides() -> None:
    """Also where they are deep in a message's parts, or come in pieces."""
    request = asked([{"type": "text", "text": "mail jane@example.org"}])
    one = Flight(call(Scope("project", "web", ON)), request, "chat", 0.0)
    (line,) = told(asked=one, said=(Delta(content="ask jane@exa"), Delta(content="mple.org")))
    assert "jane" not in str(line)
    assert "[e-mail]" in line["request"]
    assert line["answer"] == "ask [e-mail]"


def test_pictures_are_not_written() -> None:
    """Only how large they are."""
    request = asked([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}])
    (line,) = told(asked=Flight(call(Scope("project", "web", ON)), request, "chat", 0.0))
    assert "5022 characters" in line["request"]
    assert "AAAAAAAAAAAA" not in line["request"]


def test_long_contents_are_cut() -> None:
    """A conversation of a megabyte does not fill the disk, and a credential on the edge is not cut in half."""
    secret = "sk-abcdefghijklmnop1234"
    request = ChatRequest(model="m", messages=[Message(role="user", content="x" * 60 + " " + secret + "y" * 1_000_000)])
    one = Flight(call(Scope("project", "web", ON)), request, "chat", 0.0)
    (line,) = told(asked=one, said=tuple(Delta(content="z" * 50) for _ in range(1000)), most=100)
    assert (len(line["request"]), len(line["answer"])) == (101, 101)
    assert "sk-" not in line["request"]


def test_texts_to_embed_are_contents() -> None:
    """Their vectors are not."""
    request = EmbeddingsRequest(model="m", input=["one", "two"])
    (line,) = told(asked=Flight(call(Scope("project", "web", ON)), request, "embeddings", 0.0))
    assert (line["request"], line["answer"]) == ('{"input":["one","two"]}', "")


def test_what_a_filter_refused_is_not_written() -> None:
    """Only that there was something."""
    (line,) = told(Scope("project", "web", ON), ending="filtered")
    assert line["request"] == ""


def test_what_no_filter_has_seen_is_not_written() -> None:
    """A request that a limit refuses, or whose filter is away, may hold what would have been masked."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    log = ContentLog(masked)
    log.began(flight(call(Scope("project", "web", ON))))
    log.ended(record(uid="u-1", project="web", ending="limited"))
    assert lines(stream)[0]["request"] == ""


def test_a_request_is_written_as_it_was_let_in() -> None:
    """What filters have masked in it stays masked."""
    one = flight(call(Scope("project", "web", ON)))
    stream = io.StringIO()
    configure(JSON, stream=stream)
    log = ContentLog(masked)
    log.began(one)
    one.passes(asked("[masked]"))
    log.ended(record(uid="u-1"))
    assert lines(stream)[0]["request"] == '{"messages":[{"role":"user","content":"[masked]"}]}'
