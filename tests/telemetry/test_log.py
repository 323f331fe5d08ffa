"""Tests of the log: its lines for machines and for people, its levels, and what it keeps to itself."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from typing_extensions import override

from glmgate.policy.endings import Ending
from glmgate.telemetry.log import RequestLog, configure, get_logger
from glmgate.telemetry.settings import LogSettings
from glmgate.wire.charge import Charge
from glmgate.wire.engine import Attempt, FilterUse
from tests.telemetry.records import flight, record

JSON = LogSettings(format="json")
CONSOLE = LogSettings(format="console")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A stream whose reader has gone."""

    @override
    def write(self, _: str, /) -> int:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logging belongs to the process: what a test configures is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The JSON lines in a stream."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_of_json() -> None:
    """The line holds ids, names, the ending, tokens, times and the report, and nothing else."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    RequestLog().ended(record())
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "glmgate.request",
        "request_id": "req-1",
        "uid": "",
        "trace_id": None,
        "key_id": "a1",
        "project": "default",
        "surface": "openai",
        "endpoint": "chat",
        "model": "gpt-4o",
        "deployment": "glmgate-tiny",
        "place": None,
        "attempts": [],
        "cache": None,
        "ending": "completed",
        "error": None,
        "prompt": 10,
        "cached": 4,
        "completion": 5,
        "reasoning": 2,
        "charge": {},
        "estimated": False,
        "notes": ["temperature=1.7->1"],
        "filtered": [],
        "first_ms": 31.2,
        "token_ms": None,
        "gap_ms": None,
        "total_ms": 1500.0,
    }


NOTHING: dict[str, Any] = {"first_s": None, "ending": Ending.FAILED_BEFORE, "deployment": "", "notes": ()}
EVERYTHING: dict[str, Any] = {
    "attempts": (Attempt("glm", 0, "refused", 0.1), Attempt("other", 1, "ok", 0.2)),
    "cache_use": "miss",
    "charges": (Charge(amount=1, currency="USD"), Charge(estimated=True)),
    "filtered": ((FilterUse("pii", "input", "mask"), 2),),
    "token_s": 0.0123456,
    "gap_s": 2.0,
    "trace_id": "ab" * 16,
}


@pytest.mark.parametrize("changes", [NOTHING, EVERYTHING, {"model": "\ud800"}], ids=["nothing", "everything", "odd"])
def test_the_line_of_a_request_is_as_every_other_line(changes: dict[str, Any]) -> None:
    """It has a shorter way than other lines have, and comes out the same, byte for byte."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    RequestLog().ended(record(**changes))
    members = lines(stream)[0]
    for name in ("event", "logger", "level", "timestamp"):
        del members[name]
    get_logger("glmgate.request").info("request", **members)
    short, whole = (re.sub(r'"timestamp": ?"[^"]+"', "", line) for line in stream.getvalue().splitlines())
    assert short == whole


def test_lines_say_when_they_were_written() -> None:
    """In UTC, to the microsecond where the clock gives it; a request's line in the same form as others."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    before = datetime.now(UTC)
    RequestLog().ended(record())
    RequestLog().ended(record(model="\ud800"))
    get_logger("glmgate.test").info("hello")
    for line in lines(stream):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", line["timestamp"])
        assert before <= datetime.fromisoformat(line["timestamp"]) <= datetime.now(UTC)


def _told(log: Path) -> list[object]:
    written = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return [line.get("model", line.get("number")) for line in written]


def test_lines_of_both_kinds_keep_their_order_in_a_file(tmp_path: Path) -> None:
    """And each is in the file when the call returns."""
    log = tmp_path / "log"
    told: list[object] = []
    with log.open("w", encoding="utf-8") as stream:
        configure(JSON, stream=stream)
        for number in range(3):
            RequestLog().ended(record(model=f"modèle {number}"))
            told.append(f"modèle {number}")
            assert _told(log) == told
            get_logger("glmgate.test").info("hello", number=number)
            told.append(number)
            assert _told(log) == told


def test_lines_of_requests_can_be_captured() -> None:
    """structlog's way of testing sees them, too."""
    configure(JSON, stream=io.StringIO())
    with structlog.testing.capture_logs() as captured:
        RequestLog().ended(record())
    assert [line["event"] for line in captured] == ["request"]


def test_a_line_says_what_a_request_cost_and_how_fast_it_was() -> None:
    """Each currency by itself, whether some of it is an estimate, and in which trace it stands."""
    charges = (Charge(amount=1_250_000, currency="USD"), Charge(amount=1, currency="CNY", estimated=True))
    stream = io.StringIO()
    configure(JSON, stream=stream)
    RequestLog().ended(record(charges=charges, token_s=0.01234, gap_s=0.5, trace_id="ab", uid="u-1", project="web"))
    (line,) = lines(stream)
    assert (line["charge"], line["estimated"]) == ({"CNY": "0.000000001", "USD": "0.00125"}, True)
    assert (line["token_ms"], line["gap_ms"], line["trace_id"]) == (12.34, 500.0, "ab")
    assert (line["uid"], line["project"]) == ("u-1", "web")


def test_a_request_that_begins_writes_nothing() -> None:
    """Only an ending is worth a line."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    RequestLog().began(flight())
    assert stream.getvalue() == ""


def test_a_request_without_a_first_delta_has_no_time_of_one() -> None:
    """What did not happen has no number."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    RequestLog().ended(record(first_s=None, error_code="model_not_found"))
    (line,) = lines(stream)
    assert (line["first_ms"], line["error"]) == (None, "model_not_found")


@pytest.mark.parametrize(("stream", "is_json"), [(io.StringIO(), True), (Terminal(), False)], ids=["file", "terminal"])
def test_auto_writes_for_who_reads(stream: io.StringIO, is_json: bool) -> None:
    """Where nobody sits, lines are JSON; on a terminal they are for people."""
    configure(LogSettings(format="auto"), stream=stream)
    RequestLog().ended(record())
    assert stream.getvalue().startswith("{") == is_json
    assert "glmgate-tiny" in stream.getvalue()


def test_lines_for_people_leave_out_what_is_empty() -> None:
    """A line on a terminal says what there is."""
    stream = io.StringIO()
    configure(CONSOLE, stream=stream)
    RequestLog().ended(record(notes=(), first_s=None))
    (line,) = stream.getvalue().splitlines()
    assert "notes" not in line
    assert "first_ms" not in line
    assert "\x1b" not in line


@pytest.mark.parametrize("settings", [JSON, CONSOLE], ids=["json", "console"])
@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", "\ud800", "\x00"])
def test_a_callers_words_forge_no_line(settings: LogSettings, name: str) -> None:
    """A model's name is typed by a caller: it stays inside its line and moves no cursor."""
    stream = io.StringIO()
    configure(settings, stream=stream)
    RequestLog().ended(record(model=name))
    assert len(stream.getvalue().splitlines()) == 1
    assert stream.getvalue().strip("\n").isprintable()


def test_a_callers_words_are_cut() -> None:
    """A name of a megabyte does not fill the disk."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    RequestLog().ended(record(model="m" * 1_000_000))
    assert len(stream.getvalue()) < 1000


def test_a_broken_stream_loses_lines_and_not_requests() -> None:
    """When the log's reader has gone, requests go on and the lost lines are counted."""
    writer = configure(JSON, stream=Broken())
    RequestLog().ended(record())
    RequestLog().ended(record())
    assert writer.lost == 2


def test_a_closed_file_loses_lines_and_not_requests(tmp_path: Path) -> None:
    """The same of a stream with bytes below its text."""
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        writer = configure(JSON, stream=stream)
    RequestLog().ended(record())
    get_logger("glmgate.test").warning("lost as well")
    assert writer.lost == 2


def test_levels_below_the_setting_are_not_written() -> None:
    """At `warning` the lines of requests are left out."""
    stream = io.StringIO()
    configure(LogSettings(format="json", level="warning"), stream=stream)
    RequestLog().ended(record())
    get_logger("glmgate.test").warning("written")
    assert [line["event"] for line in lines(stream)] == ["written"]


def test_a_logger_made_before_configure_obeys_it() -> None:
    """Modules make their loggers when they are imported, the settings are read later."""
    logger = get_logger("glmgate.test")
    stream = io.StringIO()
    configure(JSON, stream=stream)
    logger.info("hello", number=1)
    (line,) = lines(stream)
    assert (line["event"], line["number"], line["logger"]) == ("hello", 1, "glmgate.test")


def test_libraries_are_heard_from_warnings_upwards() -> None:
    """aiohttp and uvicorn write through `logging`: their warnings come as lines of ours, their notes do not."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    logging.getLogger("aiohttp.client").warning("closed %s", "early")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("closed early", "warning", "aiohttp.client")


def test_debug_lets_libraries_speak() -> None:
    """At `debug` their notes are written as well, but never uvicorn's second line per request."""
    stream = io.StringIO()
    configure(LogSettings(format="json", level="debug"), stream=stream)
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("uvicorn.access").info("GET /v1/models")
    assert [line["event"] for line in lines(stream)] == ["Started"]


def test_odd_levels_of_libraries_are_written() -> None:
    """A library may have levels of its own."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    logging.getLogger("odd").log(35, "between")
    assert [line["level"] for line in lines(stream)] == ["warning"]


def test_warnings_are_lines() -> None:
    """Python's warnings go into the log, not between its lines."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert "old" in lines(stream)[0]["event"]


@pytest.mark.parametrize("settings", [JSON, CONSOLE], ids=["json", "console"])
def test_tracebacks_do_not_show_the_values_of_variables(settings: LogSettings) -> None:
    """An error's line says where it happened; what callers wrote stays out of it."""

    def fail(body: str) -> None:
        raise ValueError(len(body))

    stream = io.StringIO()
    configure(settings, stream=stream)
    try:
        fail("a secret of " + "theirs")
    except ValueError:
        get_logger("glmgate.test").exception("broke")
    assert "ValueError" in stream.getvalue()
    assert "a secret of theirs" not in stream.getvalue()


def test_values_that_json_does_not_know_are_shown() -> None:
    """A line with an odd value is written all the same."""
    stream = io.StringIO()
    configure(JSON, stream=stream)
    get_logger("glmgate.test").info("odd", value=object)
    assert lines(stream)[0]["value"] == "<class 'object'>"
