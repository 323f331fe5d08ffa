"""The log: one line for each request and each thing worth knowing, as JSON or for people, on standard error.

Lines hold ids, numbers and words of ours, never contents; what is worth a line is decided by who writes it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import IO, Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor
from typing_extensions import override

from glmgate.telemetry.flight import Flight
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.telemetry.settings import LogSettings
from glmgate.wire.charge import texts_of

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# Uvicorn tells every start and stop at INFO, and so do we; its access log would be a second line per request.
_FOREIGN_LEVEL: Final = logging.WARNING
_LONGEST: Final = 200
_ENCODER: Final = msgspec.json.Encoder(enc_hook=repr)
_REQUESTS: Final = "glmgate.request"


class LineWriter:
    """Writes lines to a stream, each whole. A log that cannot be written must not end a request: lines are counted."""

    def __init__(self, stream: TextIO) -> None:
        self.lost = 0
        self._stream = stream
        self._binary: IO[bytes] | None = getattr(stream, "buffer", None)  # text in memory has none
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        """Write one line. A stream that is closed, full or broken loses it, and `lost` tells how many it lost."""
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                self.lost += 1

    def write_json(self, line: bytes) -> None:
        """Write one line that is in UTF-8 already, as JSON is."""
        if self._binary is None:
            self.write(line.decode())
            return
        with self._lock:
            try:
                self._binary.write(line + b"\n")
                self._binary.flush()
            except (OSError, ValueError):
                self.lost += 1


class _Named:
    """What structlog wraps: a name, and one method for every level."""

    def __init__(self, writer: LineWriter, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = writer.write


class RequestLog(Observer):
    """One line for each finished request."""

    def __init__(self) -> None:
        self._log = get_logger(_REQUESTS)

    @override
    def began(self, flight: Flight) -> None:
        """Nothing is written before a request has ended."""

    @override
    def ended(self, record: RequestRecord) -> None:
        last = structlog.get_config()["processors"][-1]
        if isinstance(last, _JsonLines):
            last.info(_REQUESTS, "request", _members(record))
        else:
            self._log.info("request", **_members(record))


def _members(record: RequestRecord) -> dict[str, Any]:
    usage = record.usage
    return {
        "request_id": record.request_id,
        "uid": record.uid,
        "trace_id": record.trace_id,
        "key_id": record.key_id,
        "project": record.project,
        "surface": record.surface,
        "endpoint": record.endpoint,
        "model": record.model[:_LONGEST],
        "deployment": record.deployment,
        "place": record.place,
        "attempts": [f"{attempt.deployment} {attempt.outcome}" for attempt in record.attempts],
        "cache": record.cache_use,
        "ending": record.ending,
        "error": record.error_code,
        "prompt": usage.prompt,
        "cached": usage.cached,
        "completion": usage.completion,
        "reasoning": usage.reasoning,
        "charge": texts_of(record.charges),
        "estimated": True in [charge.estimated for charge in record.charges],
        "notes": list(record.notes),
        "filtered": [f"{use.filter} {use.direction} {use.action} {times}" for use, times in record.filtered],
        "first_ms": None if record.first_s is None else round(record.first_s * 1000, 1),
        "token_ms": None if record.token_s is None else round(record.token_s * 1000, 2),
        "gap_ms": None if record.gap_s is None else round(record.gap_s * 1000, 1),
        "total_ms": round(record.total_s * 1000, 1),
    }


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose lines say where they come from. It may be made before `configure`."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def configure(settings: LogSettings, *, stream: TextIO) -> LineWriter:
    """Send every line of this process to `stream`: ours, and those of libraries from warnings upwards.

    At level `debug` the libraries' notes are written as well. Called once, by who starts a process.
    """
    writer = LineWriter(stream)
    for_people = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    level = _LEVELS[settings.level]
    structlog.configure(
        processors=_for_people(stream) if for_people else _for_machines(writer, level),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda name="": _Named(writer, name),
        cache_logger_on_first_use=False,
    )
    foreign = logging.DEBUG if settings.level == "debug" else max(level, _FOREIGN_LEVEL)
    logging.basicConfig(handlers=[_Forward()], level=foreign, force=True)
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "alembic"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = name != "uvicorn.access"
        library.setLevel(logging.NOTSET)
    return writer


class _Forward(logging.Handler):
    """Hands the lines of libraries, which use `logging`, to structlog."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
            get_logger(record.name).log(level, record.getMessage(), exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 -- as every handler of `logging`: a bad format string ends no request
            self.handleError(record)


# Tracebacks without the values of variables: those hold what callers wrote.
_TRACEBACKS: Final = structlog.processors.format_exc_info


def _for_people(stream: TextIO) -> list[Processor]:
    return [
        _add_name,
        structlog.processors.add_log_level,
        _TRACEBACKS,
        structlog.processors.TimeStamper("%H:%M:%S", utc=False),
        _without_nothing,
        _printable,
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        ),
    ]


def _for_machines(writer: LineWriter, level: int) -> list[Processor]:
    return [_add_name, structlog.processors.add_log_level, _TRACEBACKS, _add_time, _JsonLines(writer, level)]


def _add_name(logger: _Named, _: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["logger"] = logger.name
    return event


def _without_nothing(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if value not in (None, "", [], {})}


def _printable(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # A caller's words (the name of a model) must not move the cursor or forge a line.
    for name, value in event.items():
        if isinstance(value, str) and name != "exception" and not value.isprintable():
            event[name] = repr(value)
    return event


def _add_time(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = datetime.now(UTC)
    return event


class _JsonLines:
    """Makes JSON of events, as structlog's last processor. `info` is structlog's whole way cut short."""

    def __init__(self, writer: LineWriter, level: int) -> None:
        self._writer = writer
        self._says_info = level <= logging.INFO

    def info(self, name: str, event: str, members: dict[str, Any]) -> None:
        """Write the line that `get_logger(name).info(event, **members)` writes."""
        if self._says_info:
            members["event"], members["logger"], members["level"] = event, name, "info"
            members["timestamp"] = datetime.now(UTC)
            self._writer.write_json(_json(members))

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> str:
        """The line."""
        return _json(event).decode()


def _json(event: MutableMapping[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(event)
    except UnicodeEncodeError:  # half of a surrogate pair, from a caller
        return json.dumps(msgspec.to_builtins(dict(event), enc_hook=repr)).encode()
