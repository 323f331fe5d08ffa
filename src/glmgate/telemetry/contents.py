"""Contents of requests and answers in the log: only of projects that have switched it on, masked, and cut.

Whether a project has is in its terms; nothing of a request of any other is ever held here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from typing_extensions import override

from glmgate.telemetry.flight import Flight
from glmgate.telemetry.log import get_logger
from glmgate.telemetry.record import Observer, RequestRecord
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Caller
from glmgate.wire.members import plain

Mask = Callable[[str], str]
"""From a text to what may be written of it."""

MOST_CHARACTERS: Final = 16_384
"""Of a request, and of its answer, each."""

_MEMBERS: Final = ("messages", "tools", "functions", "prompt", "suffix", "input", "query", "documents")
_DATA: Final = "data:"


class ContentLog(Observer):
    """Writes a line of its own for each request of a project whose contents are logged."""

    def __init__(self, mask: Mask, *, most: int = MOST_CHARACTERS) -> None:
        self._log = get_logger("glmgate.contents")
        self._mask = mask
        self._most = most
        self._heard: dict[str, _Heard] = {}

    @override
    def began(self, flight: Flight) -> None:
        if is_on(flight.call.caller):
            heard = self._heard[flight.call.uid] = _Heard(flight, self._most)
            flight.tap = heard.feed

    @override
    def ended(self, record: RequestRecord) -> None:
        heard = self._heard.pop(record.uid, None)
        if heard is None:
            return
        self._log.info(
            "contents",
            request_id=record.request_id,
            uid=record.uid,
            key_id=record.key_id,
            project=record.project,
            model=record.deployment,
            # What a filter has refused, or has not seen yet, is nowhere, whatever it is.
            request=self._cut(_asked(heard.flight.request, self._shown)) if _may_show(heard, record) else "",
            answer=self._shown("".join(heard.answer)),
        )

    def _shown(self, text: str) -> str:
        if text.startswith(_DATA):
            return f"{text[:32]}… ({len(text)} characters)"
        # Masked before it is cut: half a credential looks like none.
        return self._cut(self._mask(text[: 2 * self._most]))

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._most else f"{text[: self._most]}…"


def is_on(caller: Caller) -> bool:
    """Whether the caller's project wants contents in the log."""
    return any(scope.level == "project" and scope.terms.contents for scope in caller.scopes)


def _may_show(heard: _Heard, record: RequestRecord) -> bool:
    return heard.flight.passed and record.ending != "filtered"


class _Heard:
    """A request whose contents are logged, and its answer so far."""

    def __init__(self, flight: Flight, most: int) -> None:
        self.flight = flight
        self.answer: list[str] = []
        self._left = 2 * most

    def feed(self, deltas: tuple[Delta, ...]) -> None:
        """Keep the text of the answer, as far as it may be written."""
        for delta in deltas:
            for text in _said(delta):
                if self._left > 0 and text:
                    self.answer.append(text[: self._left])
                    self._left -= len(text)


def _said(delta: Delta) -> Iterator[str]:
    yield delta.reasoning or ""
    yield delta.content or ""
    for call in delta.tool_calls:
        yield call.name or ""
        yield call.arguments


def _asked(request: msgspec.Struct, shown: Mask) -> str:
    """What was asked, as JSON: the members that hold what people wrote."""
    members: dict[str, Any] = plain(request)  # type: ignore[arg-type]
    found = {name: _each(members[name], shown) for name in _MEMBERS if name in members}
    return msgspec.json.encode(found).decode()


def _each(value: Any, shown: Mask) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {name: _each(part, shown) for name, part in value.items()}
    if isinstance(value, list):
        return [_each(part, shown) for part in value]
    return value
