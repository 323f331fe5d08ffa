"""What an upstream's failure means, by its profile's tables: the body's code first, then its words, then the status.

Decided over values; nothing is asked again here, and what routing does about it stands in `remedy`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from glmgate.adaptation.profile import Failure, FailureKind, Profile
from glmgate.engines.upstream.quoting import quoted
from glmgate.engines.upstream.reported import Reported, of_body
from glmgate.engines.upstream.resets import asked_to_wait_s, stated
from glmgate.engines.upstream.secret import Secret
from glmgate.errors import (
    AnswerTruncated,
    CapacityExceeded,
    Conflict,
    ContentFiltered,
    ContextLengthExceeded,
    CredentialRefused,
    DeadlineExceeded,
    EngineFailed,
    GlmgateError,
    InvalidRequest,
    MissingParameter,
    ModelNotFound,
    ModelRetired,
    PermissionRefused,
    QuotaExhausted,
    Remedy,
    Unavailable,
    UnsupportedValue,
)
from glmgate.transport import errors as transport
from glmgate.wire.chat import ChatRequest

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_Error = TypeVar("_Error", bound=GlmgateError)

_ASKED: Final = "The service that answers for this model"
_DOCTOR: Final = "Whoever runs this server can find out more with `glmgate doctor`."

# Each kind's error, and how its message begins. Where the second text is empty the service's words are not quoted:
# they would tell a caller about our credential.
_KINDS: Final[Mapping[FailureKind, tuple[type[GlmgateError], str]]] = MappingProxyType(
    {
        "invalid": (InvalidRequest, f"{_ASKED} refused the request"),
        "authentication": (CredentialRefused, f"{_ASKED} does not accept our credential. {_DOCTOR}"),
        "permission": (PermissionRefused, f"{_ASKED} does not allow this to our account. {_DOCTOR}"),
        "model": (ModelNotFound, f"{_ASKED} does not know it"),
        "context": (ContextLengthExceeded, f"{_ASKED} cannot read so much at once. Shorten the messages"),
        "filtered": (ContentFiltered, f"{_ASKED} refused the content, in the messages or in its own answer"),
        "rate": (CapacityExceeded, f"{_ASKED} takes no more requests now. Try again later"),
        "quota": (QuotaExhausted, f"Nothing is left of what our account may use there. {_DOCTOR}"),
        "overload": (Unavailable, f"{_ASKED} has too much to do. Try again later"),
        "broken": (EngineFailed, f"{_ASKED} failed while it worked on the request. Try again"),
        "conflict": (Conflict, f"{_ASKED} is at work on a request of the same id"),
        "retired": (ModelRetired, f"{_ASKED} has taken this model away"),
    }
)
_UNQUOTED: Final = frozenset({"authentication", "permission"})

# What statuses mean where the profile does not say (RFC 9110; 529 is an overload at some services).
_STATUSES: Final[Mapping[int, Failure]] = MappingProxyType(
    {
        401: Failure("authentication"),
        402: Failure("quota"),
        403: Failure("permission", remedy="next"),
        404: Failure("model", remedy="next"),
        405: Failure("broken", remedy="next"),
        408: Failure("overload", remedy="retry"),
        409: Failure("conflict"),
        410: Failure("retired", remedy="next"),
        413: Failure("context"),
        429: Failure("rate", remedy="retry"),
        501: Failure("broken", remedy="next"),
        503: Failure("overload", remedy="retry"),
        504: Failure("overload", remedy="retry"),
        529: Failure("overload", remedy="retry"),
    }
)
# A page with one of these was written by something else; with others it may be the API's own proxy in trouble.
_NOT_THE_API: Final = frozenset({200, 400, 404, 405, 406, 410, 415, 501})

_FIELDS: Final = frozenset(field.encode_name for field in msgspec.structs.fields(ChatRequest))
_NAMED_FIELD: Final = (
    re.compile(r"[`'\"]?([a-z_]{2,32})[`'\"]? ?(?:parameter|参数)"),
    re.compile(r"(?:parameter|field|参数)s?[:：]? ?[`'\"]?([a-z_]{2,32})"),
)
_NUMERIC: Final = re.compile(r"1\d{3}|500", re.ASCII)
# What clients call the numbers that say more than that a value is wrong (contract 3.5).
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"1212": UnsupportedValue.code, "1213": MissingParameter.code, "1215": "mutually_exclusive_parameters"}
)
_WORD: Final = re.compile(r"[a-z][a-z_]{2,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A failure with all that is known of it."""

    reported: Reported
    status: int
    headers: Mapping[str, str]
    now: float
    secret: Secret | None


def failure(
    profile: Profile,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    secret: Secret | None = None,
) -> GlmgateError:
    """The error that an answer with this status means. Header names are in lower case; `now` is Unix time."""
    reported = of_body(body)
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    if is_redirect or (reported.is_page and status in _NOT_THE_API):
        return no_json(status)
    return _error(profile, _Seen(reported, status, headers, now, secret))


def within(profile: Profile, reported: Reported, *, now: float, secret: Secret | None = None) -> GlmgateError:
    """The error that a document within a stream means, or a body with status 200."""
    # Some put the HTTP status that it would have had where others have their code.
    status = next((int(code) for code in reported.codes if re.fullmatch(r"[45]\d\d", code, re.ASCII)), 200)
    return _error(profile, _Seen(reported, status, _NO_HEADERS, now, secret))


def no_json(status: int) -> EngineFailed:
    """What came back is a page or a redirection: it is not the API that answers there."""
    return _with(
        EngineFailed(
            f"What answers for this model is not the API that was expected: it came back with something else than JSON "
            f"(HTTP {status}). The upstream's base_url may be wrong. {_DOCTOR}"
        ),
        remedy="next",
    )


def broken(exc: transport.TransportError) -> GlmgateError:
    """What a failure of the connection to an upstream means."""
    match exc:
        case transport.TotalTimedOut():
            return DeadlineExceeded(f"{_ASKED} took longer than the settings allow.")
        case transport.FirstTimedOut():
            return _with(DeadlineExceeded(f"{_ASKED} did not begin to answer in time."), remedy="next")
        case transport.IdleTimedOut():
            return _with(EngineFailed(f"{_ASKED} fell silent in the middle of its answer."), remedy="next")
        case transport.TlsFailed() | transport.ProxyFailed() | transport.NameUnknown():
            return _with(EngineFailed(f"{_ASKED} cannot be reached. {_DOCTOR}"), remedy="next")
        case transport.ConnectFailed():
            return EngineFailed(f"{_ASKED} cannot be reached. Try again.")
        case transport.ConnectionBroken():
            return AnswerTruncated(f"{_ASKED} broke off before its answer was whole. Try again.")
    return _with(EngineFailed(f"{_ASKED} answered with something that cannot be read."), remedy="next")


def _error(profile: Profile, seen: _Seen) -> GlmgateError:
    code, rule = _rule(profile, seen)
    kind, begins = _KINDS[rule.kind]
    said = "" if rule.kind in _UNQUOTED else quoted(seen.reported.message, seen.secret)
    message = begins if not said else f"{begins.removesuffix('.')}. It says: {said!r}"
    error = kind(message if message.endswith((".", "'", '"')) else f"{message}.")
    error.remedy = rule.remedy or error.remedy
    error.retry_after_s = asked_to_wait_s(seen.headers, now=seen.now)
    if error.retry_after_s is None:
        error.retry_after_s = rule.after_s
    _name(error, code, seen.reported)
    if error.remedy == "park":
        _park(error, profile, seen)
    return error


def _rule(profile: Profile, seen: _Seen) -> tuple[str | None, Failure]:
    """The row that decides, and the code that it stands under."""
    for code in seen.reported.codes:
        if (rule := profile.errors.codes.get(code)) is not None:
            return code, rule
    for words, rule in profile.errors.words.items():
        if _compiled(words).search(seen.reported.message):
            return None, rule
    return None, profile.errors.statuses.get(str(seen.status)) or _by_status(seen)


def _by_status(seen: _Seen) -> Failure:
    client_error = HTTPStatus.BAD_REQUEST <= seen.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUSES.get(seen.status) or Failure("invalid" if client_error else "broken")


def _name(error: GlmgateError, code: str | None, reported: Reported) -> None:
    """Put the service's own code and the field that it means into the error, where clients look for them."""
    if code is not None and _NUMERIC.fullmatch(code):
        error.zai_code = code
    if isinstance(error, InvalidRequest):
        error.param = reported.param or _field(reported.message)
    if type(error) is InvalidRequest:
        # A word that clients test for says more than ours; numbers and names of classes do not.
        usual = _WORDS.get(code or "", error.code)
        error.code = next((word for word in reported.codes if _WORD.fullmatch(word)), usual)


def _field(message: str) -> str | None:
    """The field of a request that a message names."""
    names = (match[1] for pattern in _NAMED_FIELD for match in pattern.finditer(message))
    return next((name for name in names if name in _FIELDS), None)


def _park(error: GlmgateError, profile: Profile, seen: _Seen) -> None:
    """Until when the credential is of no use, where the service says so."""
    patterns = [_compiled(pattern) for pattern in profile.errors.resets]
    error.parked_until = stated(seen.reported.message, patterns, zone=profile.errors.zone, now=seen.now)
    if error.parked_until is None and error.retry_after_s is not None:
        error.parked_until = seen.now + error.retry_after_s
    elif error.parked_until is not None and error.retry_after_s is None:
        error.retry_after_s = error.parked_until - seen.now


def _with(error: _Error, *, remedy: Remedy) -> _Error:
    error.remedy = remedy
    return error


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
