"""What upstreams' failures mean: code first, then words, then status (contract 3.5, A1; peers 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from glmgate import errors
from glmgate.adaptation.profile import Profile, shipped, shipped_names
from glmgate.engines.upstream.failures import broken, failure
from glmgate.errors import GlmgateError
from glmgate.transport import errors as transport
from tests.engines.upstream.reading import NOW, SECRET, ZAI


def meant(
    status: int,
    body: object,
    *,
    profile: Profile = ZAI,
    headers: Mapping[str, str] | None = None,
) -> GlmgateError:
    """The error of an answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(profile, status, headers or {}, data, now=NOW, secret=SECRET)


def coded(code: str, message: str = "…", *, status: int = 400, **options: Any) -> GlmgateError:
    """The error of a code in GLM's form."""
    return meant(status, {"error": {"code": code, "message": message}}, **options)


@pytest.mark.parametrize(
    ("code", "status", "expected", "remedy"),
    [
        ("500", 500, errors.EngineFailed, "retry"),
        ("1000", 401, errors.CredentialRefused, "park"),
        ("1002", 401, errors.CredentialRefused, "park"),
        ("1004", 401, errors.CredentialRefused, "park"),
        ("1110", 429, errors.PermissionRefused, "park"),
        ("1113", 429, errors.QuotaExhausted, "park"),
        ("1120", 429, errors.Unavailable, "retry"),
        ("1200", 500, errors.EngineFailed, "retry"),
        ("1210", 400, errors.InvalidRequest, "tell"),
        ("1211", 400, errors.ModelNotFound, "next"),
        ("1214", 400, errors.InvalidRequest, "tell"),
        ("1220", 403, errors.PermissionRefused, "next"),
        ("1221", 404, errors.ModelRetired, "next"),
        ("1231", 400, errors.Conflict, "tell"),
        ("1234", 500, errors.EngineFailed, "retry"),
        ("1261", 400, errors.ContextLengthExceeded, "tell"),
        ("1301", 400, errors.ContentFiltered, "tell"),
        ("1302", 429, errors.CapacityExceeded, "retry"),
        ("1305", 429, errors.Unavailable, "next"),
        ("1308", 429, errors.QuotaExhausted, "park"),
        ("1310", 429, errors.QuotaExhausted, "park"),
    ],
)
def test_the_codes_of_glm(code: str, status: int, expected: type[GlmgateError], remedy: str) -> None:
    """Contract 3.5, row by row: the exception, what routing does, and the number for who wants it."""
    error = coded(code, status=status)
    assert (type(error), error.remedy, error.zai_code) == (expected, remedy, code)


@pytest.mark.parametrize("form", [{"code": "1113"}, {"code": 1113}, {"type": "1113"}])
def test_a_code_counts_before_the_status(form: dict[str, Any]) -> None:
    """No money comes as 429 (contract row A1), and must not be taken for a rate limit."""
    error = meant(429, {"error": form | {"message": "Insufficient balance"}}, headers={"retry-after": "1"})
    assert isinstance(error, errors.QuotaExhausted)
    assert error.retry is False
    assert "glmgate doctor" in error.message


@pytest.mark.parametrize(
    ("status", "expected", "remedy"),
    [
        (400, errors.InvalidRequest, "tell"),
        (401, errors.CredentialRefused, "park"),
        (402, errors.QuotaExhausted, "park"),
        (403, errors.PermissionRefused, "next"),
        (404, errors.ModelNotFound, "next"),
        (409, errors.Conflict, "tell"),
        (410, errors.ModelRetired, "next"),
        (418, errors.InvalidRequest, "tell"),
        (422, errors.InvalidRequest, "tell"),
        (429, errors.CapacityExceeded, "retry"),
        (500, errors.EngineFailed, "retry"),
        (502, errors.EngineFailed, "retry"),
        (503, errors.Unavailable, "retry"),
        (529, errors.Unavailable, "retry"),
        (599, errors.EngineFailed, "retry"),
    ],
)
@pytest.mark.parametrize("name", [name for name in shipped_names() if name != "embedded"])
def test_without_a_known_code_the_status_counts(
    name: str, status: int, expected: type[GlmgateError], remedy: str
) -> None:
    """The same with every service."""
    error = meant(status, {"error": {"message": "x", "code": "never_heard_of"}}, profile=shipped(name))
    assert (type(error), error.remedy) == (expected, remedy)


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("openai", {"code": "insufficient_quota", "type": "insufficient_quota"}, errors.QuotaExhausted),
        ("openai", {"code": "rate_limit_exceeded", "type": "tokens"}, errors.CapacityExceeded),
        ("openai", {"code": None, "type": "insufficient_quota"}, errors.QuotaExhausted),
    ],
)
def test_words_of_openai(name: str, said: dict[str, Any], expected: type[GlmgateError]) -> None:
    """Both come as 429."""
    assert type(meant(429, {"error": said | {"message": "x"}}, profile=shipped(name))) is expected


def test_a_prompt_that_is_too_long_is_told_by_words() -> None:
    """vLLM has no code for it (facts 2)."""
    said = {"error": {"message": "This model's maximum context length is 64 tokens. …", "type": "BadRequestError"}}
    assert isinstance(meant(400, said | {"code": 400}, profile=shipped("vllm")), errors.ContextLengthExceeded)


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"message": "The temperature parameter is illegal.：限制数值范围[0,1]"}, "temperature"),
        ({"message": "x", "param": "messages.0.content"}, "messages.0.content"),
        ({"message": "Unknown parameter: 'top_k'"}, "top_k"),
        ({"message": "The secret parameter is bad"}, None),
        ({"message": "角色信息不正确"}, None),
    ],
)
def test_the_field_that_is_meant(said: dict[str, Any], param: str | None) -> None:
    """Clients read `param` (contract 3.5); only names of fields count."""
    assert meant(400, {"error": {"code": "1210"} | said}).param == param


@pytest.mark.parametrize(
    ("number", "word"),
    [("1210", "invalid_value"), ("1212", "unsupported_value"), ("1213", "missing_required_parameter")],
)
def test_numbers_have_words(number: str, word: str) -> None:
    """Applications on OpenAI's surface test for the word, those on GLM's for the number (contract 3.5)."""
    error = coded(number)
    assert (error.code, error.zai_code) == (word, number)


def test_a_word_of_openais_kind_is_kept() -> None:
    """Applications test for it."""
    said = {"error": {"message": "x", "type": "invalid_request_error", "code": "unsupported_parameter"}}
    assert meant(400, said, profile=shipped("openai")).code == "unsupported_parameter"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ratelimit-reset": "12"}, 12.0),
        ({"x-ratelimit-reset": str(int(NOW) + 40)}, 40.0),
        ({"x-ratelimit-reset": str((int(NOW) + 40) * 1000)}, 40.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0.5s"}, 360.5),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1h"}, 1.0),
        ({"retry-after": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    """What the upstream asks for; else what its profile knows of the code (here: 1 s)."""
    assert coded("1302", status=429, headers=headers).retry_after_s == seconds


@pytest.mark.parametrize(
    ("message", "hours"),
    [
        ("Usage limit reached for 5 hour. Your limit will reset at 2026-11-22 20:00:00", 2),
        ("Your limit will reset at 2026-11-22T12:00:00Z", 2),
        ("Your limit will reset at 2026-11-22 12:00:00 UTC", 2),
        ("Your limit will reset at 2026-11-22 13:00:00+01:00", 2),
        ("您的限额将在 2026-11-22 20:00:00 重置。", 2),
        ("Your limit will reset at 2026-11-22 17:00:00", None),
        ("Your limit will reset at 2036-11-22 17:00:00", None),
        ("Your limit will reset at 2026-13-45 17:00:00", None),
        ("Your limit is reached.", None),
    ],
)
@pytest.mark.parametrize("code", ["1308", "1310"])
def test_until_when_a_credential_is_parked(code: str, message: str, hours: int | None) -> None:
    """Bare times are China's (peers 3); what has passed, or is years away, is not believed."""
    error = coded(code, message, status=429)
    assert error.parked_until == (None if hours is None else NOW + hours * 3600)
    assert error.retry_after_s == (None if hours is None else hours * 3600)


def test_a_retry_after_parks_until_then() -> None:
    """Where the message names no time."""
    assert coded("1308", status=429, headers={"retry-after": "60"}).parked_until == NOW + 60


def test_a_time_in_a_message_parks_nothing_else() -> None:
    """A request that is wrong stays wrong."""
    assert coded("1214", "reset at 2026-11-22 20:00:00").parked_until is None


@pytest.mark.parametrize("status", [200, 302, 404, 405])
def test_a_page_is_not_the_api(status: int) -> None:
    """A wrong base URL is not an unknown model."""
    error = meant(status, b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>")
    assert (type(error), error.remedy) == (errors.EngineFailed, "next")
    assert "base_url" in error.message


def test_a_page_of_a_proxy_in_trouble_is_its_status() -> None:
    """Its title is quoted, not the page."""
    error = meant(502, b"<html>\r\n<head><title>502 Bad Gateway</title></head><body>secret stuff</body></html>")
    assert (type(error), error.remedy) == (errors.EngineFailed, "retry")
    assert "'502 Bad Gateway'" in error.message
    assert "secret stuff" not in error.message


@pytest.mark.parametrize(
    "said",
    [
        f"key {SECRET.reveal()} is bad",
        "half verySecretHalf is bad",
        "half 0123456789abcdef is bad",
        "Incorrect API key provided: sk-proj-verySecretHalf",
        "Authorization: Bearer verySecretHalf.x",
        "eyJhbGciOiJIUzI1NiJ9.verySecretHalf.abc",
        "https://me:verySecretHalf@proxy.test/",
        "ffffffffffffffffffffffffffffffff.verySecretHalf",
    ],
)
@pytest.mark.parametrize("code", ["1002", "1210", "1113", "never"])
def test_no_credential_stands_in_a_message(said: str, code: str) -> None:
    """Neither ours nor anybody's."""
    message = coded(code, said).message
    assert "verySecretHalf" not in message
    assert "0123456789abcdef" not in message


def test_our_credential_is_none_of_the_callers_business() -> None:
    """What the service says about it is for the operator."""
    error = coded("1002", "token expired for account 4711", status=401)
    assert "4711" not in error.message
    assert error.status == 502


def test_long_messages_are_cut_and_on_one_line() -> None:
    """They end up in logs and in clients' consoles."""
    message = coded("1210", "a\nb" + "x" * 10_000).message
    assert len(message) < 600
    assert "\n" not in message


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"17", b"\xff\xfe", b"{" * 100_000, b'{"error": null}', b"{}"])
def test_any_body_has_a_meaning(body: bytes) -> None:
    """The status is always there."""
    assert isinstance(meant(500, body), errors.EngineFailed)


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Not allowed here"},
        {"detail": [{"loc": ["body", "messages"], "msg": "Not allowed here"}]},
        {"message": "Not allowed here"},
        {"msg": "Not allowed here"},
        {"error": "Not allowed here"},
        {"error": {"msg": "Not allowed here"}},
        b"Not allowed here",
    ],
)
def test_messages_in_every_shape_are_quoted(body: object) -> None:
    """What the service said helps whoever reads it."""
    assert "Not allowed here" in meant(400, body).message


@pytest.mark.parametrize(
    ("failed", "expected", "remedy"),
    [
        (transport.ConnectFailed(), errors.EngineFailed, "retry"),
        (transport.ConnectTimedOut(), errors.EngineFailed, "retry"),
        (transport.NameUnknown(), errors.EngineFailed, "next"),
        (transport.ProxyFailed(), errors.EngineFailed, "next"),
        (transport.TlsFailed(), errors.EngineFailed, "next"),
        (transport.ConnectionBroken(), errors.AnswerTruncated, "retry"),
        (transport.FirstTimedOut(), errors.DeadlineExceeded, "next"),
        (transport.IdleTimedOut(), errors.EngineFailed, "next"),
        (transport.TotalTimedOut(), errors.DeadlineExceeded, "tell"),
        (transport.ReplyUnreadable(), errors.EngineFailed, "next"),
        (transport.ReplyTooLarge(), errors.EngineFailed, "next"),
    ],
)
def test_failures_of_the_connection(
    failed: transport.TransportError, expected: type[GlmgateError], remedy: str
) -> None:
    """What the same deployment cannot put right goes to the next one; when the time is over nobody is asked."""
    error = broken(failed)
    assert isinstance(error, expected)
    assert error.remedy == remedy
