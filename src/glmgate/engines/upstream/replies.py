"""What services reply to probes, as values: an answer's telling parts, or what went wrong, in a profile's words.

Bytes in, values out; nothing is asked here, and what it means to a person is not said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import msgspec

from glmgate.adaptation.profile import Errors, FailureKind, Profile
from glmgate.transport.errors import ReplyTimedOut, ReplyTooLarge, TransportError
from glmgate.wire.sse import DONE_DATA

Trouble = FailureKind | Literal["unreachable", "silent", "no_service", "moved"]
"""What went wrong: in a profile's words, or nobody answered, or not in time, or not as a service does, or we are sent
elsewhere."""

# Words for an error that many services use, whatever their profile says.
_CODES: Final[Mapping[str, FailureKind]] = {
    "insufficient_quota": "quota",
    "invalid_api_key": "authentication",
    "model_not_found": "model",
    "rate_limit_exceeded": "rate",
}
# Codes for a path that a service does not have; some profiles count the first among what is wrong with a model, which
# is as good for routing, but not for somebody who looks for the right base URL (contract 3.5).
_PATHS: Final = frozenset({"1222", "unsupported_endpoint", "not_found"})
_STATUSES: Final[Mapping[int, FailureKind]] = {
    400: "invalid",
    401: "authentication",
    402: "quota",
    403: "permission",
    409: "conflict",
    410: "retired",
    413: "context",
    422: "invalid",
    429: "rate",
    502: "overload",
    503: "overload",
    504: "overload",
    529: "overload",
}
# Statuses that mean the same whoever sends them, a proxy before the service included.
_PLAIN: Final = frozenset({401, 402, 403, 429, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The parts of an answer that tell something. `pieces`: it came in so many, 1 for a plain one."""

    content: str = ""
    reasoning: str = ""
    called: bool = False
    finish: str = ""
    model: str = ""
    pieces: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of a question. `trouble` is None where it was answered as a service should.

    `code` and `message` are the service's own; `ms` until the answer was whole, `first_ms` until its first bytes.
    `asked_at` is our time (Unix seconds) in the middle of it, to be compared with the reply's date.
    """

    trouble: Trouble | None = None
    status: int | None = None
    code: str = ""
    message: str = ""
    ms: float = 0.0
    first_ms: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    asked_at: float = 0.0
    answer: Answer | None = None


class Model(msgspec.Struct):
    """A model of a list. `kind` is what a server of our own says beside."""

    id: str
    owned_by: Any = None
    kind: Any = None


class _Models(msgspec.Struct):
    data: list[Model]


def unanswered(error: TransportError, *, ms: float) -> Said:
    """A question that no reply came to."""
    match error:
        case ReplyTimedOut():
            trouble: Trouble = "silent"
        case ReplyTooLarge():
            trouble = "no_service"
        case _:
            trouble = "unreachable"
    return Said(trouble=trouble, message=str(error), ms=ms)


def refused(said: Said, body: bytes, profile: Profile) -> Said:
    """A status other than 200, told by the body's code first, then its words, then the status (contract 3.5)."""
    status = said.status or 0
    if 300 <= status < 400:
        return replace(said, trouble="moved", message=said.headers.get("location", ""))
    error = _error(body)
    if error is None:
        kind: Trouble | None = _STATUSES.get(status) if status in _PLAIN else None
        return replace(no_service(said, body), trouble=kind or "no_service")
    code, message = error
    return replace(said, trouble=_kind(status, code, message, profile), code=code, message=message)


def no_service(said: Said, body: bytes) -> Said:
    """An answer that is none of a service's."""
    start = body[:200].decode(errors="replace").strip()
    page = "html" in said.headers.get("content-type", "") or start.startswith("<")
    message = "a web page" if page else start[:80] or "an empty answer"
    return replace(said, trouble="no_service", message=message)


def read_models(said: Said, body: bytes) -> tuple[Said, tuple[Model, ...]]:
    """The models of a list."""
    try:
        return said, tuple(msgspec.json.decode(body, type=_Models).data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return no_service(said, body), ()


def read_completion(said: Said, body: bytes) -> Said:
    """A plain answer with `choices`."""
    document = members(body)
    choice = _first(document.get("choices"))
    message = choice.get("message")
    if not isinstance(message, dict):
        return no_service(said, body)
    return replace(said, answer=_with_parts(Answer(model=str(document.get("model") or "")), choice, message))


def read_message(said: Said, body: bytes) -> Said:
    """An answer in blocks of `content`."""
    document = members(body)
    blocks = document.get("content")
    if not isinstance(blocks, list):
        return no_service(said, body)
    parts = [block for block in blocks if isinstance(block, dict)]
    answer = Answer(
        content="".join(str(part.get("text") or "") for part in parts),
        reasoning="".join(str(part.get("thinking") or "") for part in parts),
        finish=str(document.get("stop_reason") or ""),
        model=str(document.get("model") or ""),
    )
    return replace(said, answer=answer)


def grown(answer: Answer, data: bytes) -> Answer:
    """An answer with one more event of its stream."""
    if data == DONE_DATA:
        return answer
    document = members(data)
    if "error" in document:
        error = _error(data) or ("", "")
        return replace(answer, pieces=answer.pieces + 1, finish=f"error {error[0]}".strip())
    choice = _first(document.get("choices"))
    delta = choice.get("delta")
    grew = replace(answer, pieces=answer.pieces + 1, model=str(document.get("model") or answer.model))
    return _with_parts(grew, choice, delta if isinstance(delta, dict) else {})


def members(body: bytes) -> dict[str, Any]:
    """The members of a JSON object; none where the body is not one."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _with_parts(answer: Answer, choice: dict[str, Any], parts: dict[str, Any]) -> Answer:
    reasoning = parts.get("reasoning_content") or parts.get("reasoning")
    return replace(
        answer,
        content=answer.content + _text(parts.get("content")),
        reasoning=answer.reasoning + _text(reasoning),
        called=answer.called or bool(parts.get("tool_calls")),
        finish=str(choice.get("finish_reason") or answer.finish),
    )


def _first(choices: object) -> dict[str, Any]:
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _kind(status: int, code: str, message: str, profile: Profile) -> Trouble:
    errors = profile.errors
    if told := _by_code(code, errors):
        return told
    for word, failure in errors.words.items():
        if re.search(word, message, re.IGNORECASE):
            return failure.kind
    if status == 404:  # of a model or of the path, which is the difference between a right and a wrong base URL
        return "model" if re.search(r"\bmodel\b", message, re.IGNORECASE) else "no_service"
    if status in {405, 501}:
        return "no_service"
    if found := errors.statuses.get(str(status)):
        return found.kind
    return _STATUSES.get(status, "broken" if status >= 500 else "invalid")


def _by_code(code: str, errors: Errors) -> Trouble | None:
    if code in _PATHS:
        return "no_service"
    found = errors.codes.get(code)
    return _CODES.get(code) if found is None else found.kind


def _error(body: bytes) -> tuple[str, str] | None:
    """Code and message of an error body: `{"error": {…}}`, `{"error": "…"}`, `{"message": …}` or `{"detail": …}`."""
    document = members(body)
    error = document.get("error", document)
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return None
    message = error.get("message") or error.get("msg") or error.get("detail")
    if message is None:
        return None
    code = error.get("code")
    return ("" if code is None else str(code)), message if isinstance(message, str) else str(message)
