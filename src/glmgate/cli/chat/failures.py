"""What went wrong at a service, as one line that says what to do, and whether to wait and ask again.

Nothing is asked or waited for here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from glmgate.cli.chat.visible import one_line
from glmgate.transport import errors

# 1113 is an empty account that comes as 429 (contract row on codes): asking again never helps.
_HOPELESS: Final = frozenset({"1113", "insufficient_quota"})
_RETRYABLE: Final = frozenset({429, 503})
LONGEST_WAIT_S: Final = 60.0
"""Who is told to wait longer is better served by the message."""


class ServiceFailed(Exception):
    """The service did not answer. The message is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked where, as far as messages need it. `local`: it is this machine's own server."""

    base_url: str
    model: str = ""
    local: bool = False
    with_key: bool = True
    images: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status other than 200. `wait_s`: ask again after so many seconds; None: do not."""

    line: str
    wait_s: float | None = None


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, asked: Asked, now: datetime) -> Refusal:
    """What a refused request means to its user. Names of headers are in lower case."""
    code, message = _told(body)
    line = _meaning(status, code) + (f": {one_line(message)}" if message else "")
    retry = _seconds(headers, now)
    wait = retry if status in _RETRYABLE and code not in _HOPELESS else None
    later = f" Try again in {math.ceil(retry)} s." if retry is not None and wait is not None else ""
    return Refusal(
        line + _stop(line) + (_advice(status, asked) or later),
        wait if wait is not None and wait <= LONGEST_WAIT_S else None,
    )


def event_failure(error: Any) -> str:  # noqa: ANN401 -- whatever JSON the service sent
    """The line for an error that came in the middle of an answer."""
    message = error.get("message") if isinstance(error, dict) else error
    said = one_line(str(message or "it did not say why"))
    return f"The service broke off its answer: {said}{_stop(said)}"


def unreachable(error: errors.TransportError, *, asked: Asked) -> str:
    """The line for a service that could not be asked."""
    match error:
        case errors.ConnectFailed() if asked.local:
            return f"Nobody answers at {asked.base_url}: start the server with `glmgate serve`."
        case errors.ConnectFailed():
            return f"No connection to {asked.base_url} ({one_line(str(error))}): check --base-url."
        case errors.ReplyTimedOut():
            return f"{asked.base_url} was silent for too long: try again, or look at the server's log."
        case errors.ConnectionBroken():
            return f"The connection to {asked.base_url} broke before the answer was whole: try again."
        case _:
            return f"{asked.base_url} answers, but not as a chat service ({one_line(str(error))}): check --base-url."


def not_a_service(asked: Asked, why: str) -> str:
    """The line for an answer of status 200 that is none."""
    return f"{asked.base_url} answers, but not as a chat service ({one_line(why)}): check --base-url."


def _meaning(status: int, code: str) -> str:
    if code in _HOPELESS:
        return "The account has no credit left"
    return {
        401: "The service does not accept the key",
        403: "The key may not do this",
        404: "The service does not know the model or the address",
        413: "The conversation is too large for the service",
        429: "The service is busy or its limit is reached",
        503: "The service is not ready",
    }.get(status, f"The service refused with {status}" if status < 500 else f"The service failed with {status}")


def _advice(status: int, asked: Asked) -> str:
    if status == 401 and asked.local and not asked.with_key:
        return " Its keys are in another home (--home), or `glmgate keys create --name chat` makes the first one."
    if status == 401:
        return " Give another with --key." if asked.with_key else " Give one with --key."
    if status == 404:
        return f" {asked.model!r} was asked for at {asked.base_url}; /model lists what there is."
    if asked.images and status in {400, 415, 422}:
        return " The question had an image: /clear and ask without, or choose a model that sees with /model."
    return ""


def _told(body: bytes) -> tuple[str, str]:
    """Code and message of an error body: `{"error": {...}}`, `{"error": "..."}` or `{"message": ...}`."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    error = document.get("error", document) if isinstance(document, dict) else document
    if not isinstance(error, dict):
        return "", error if isinstance(error, str) else ""
    message = error.get("message") or error.get("detail") or ""
    return str(error.get("code") or ""), message if isinstance(message, str) else str(message)


def _seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """`retry-after` (RFC 9110 10.2.3: seconds or a date), or OpenAI's `retry-after-ms`."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = float(headers["retry-after"])
    except KeyError:
        return None
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(headers.get("retry-after", "")) - now).total_seconds()
        except (ValueError, TypeError):  # TypeError: a date without a zone
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _stop(text: str) -> str:
    return "" if text.endswith((".", "!", "?", "…")) else "."
