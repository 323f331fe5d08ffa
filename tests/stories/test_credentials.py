"""Every form of a credential that clients send, and every way in which one can be wrong (contract 1.3, 3.5)."""

from __future__ import annotations

import base64
import json
import time

import pytest

from tests.clients.scripts.tokens import HOUR_MS, token
from tests.stories.asking import Place, ask
from tests.stories.bodies import chat
from tests.stories.served import Served

pytestmark = pytest.mark.engine

BASES = ("/api/paas/v4", "/v1")


def status_of(served: Served, authorization: str | None, base: str = "/v1") -> tuple[int, str]:
    """The status of a small chat with this header, and GLM's code in the answer (empty: it was answered)."""
    reply = ask(Place(served.port, authorization), "POST", f"{base}/chat/completions", chat(max_tokens=1))
    if reply.status == 200:
        return 200, ""
    error = reply.error
    return reply.status, error["code" if base != "/v1" else "zai_code"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "form", ["Bearer {key}", "{key}", "Bearer {token}", "{token}", "bearer {key}", "  Bearer  {key} "]
)
def test_forms_that_are_taken(served: Served, form: str, base: str) -> None:
    """The key or a token signed with it, with and without the word before it."""
    assert status_of(served, form.format(key=served.key, token=token(served.key)), base) == (200, "")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer "])
def test_no_key(served: Served, header: str | None, base: str) -> None:
    """401 with code 1001."""
    assert status_of(served, header, base) == (401, "1001")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("credential", "code"),
    [
        ("sk-1234567890abcdef", "1002"),
        ("a.b.c.d", "1002"),
        ("not-an-id.not-a-secret", "1004"),
        ("Basic dTpw", "1002"),
        ("x" * 5000, "1002"),
    ],
)
def test_what_is_no_key(served: Served, credential: str, code: str, base: str) -> None:
    """401 with code 1002; what has a key's form and is none, with 1004."""
    assert status_of(served, f"Bearer {credential}", base) == (401, code)


def test_a_wrong_secret(served: Served) -> None:
    """One character is enough, and an unknown key is told nothing else."""
    last = "a" if served.key[-1] != "a" else "b"
    secret = served.key.partition(".")[2]
    wrong = status_of(served, f"Bearer {served.key[:-1]}{last}")
    unknown = status_of(served, f"Bearer {'0' * len(served.key.partition('.')[0])}.{secret}")
    assert wrong == (401, "1004")
    assert unknown[0] == 401


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        ({"lives_ms": -120_000}, "1003"),
        ({"secret": "x" * 43}, "1004"),
        ({"algorithm": "none"}, "1002"),
        ({"algorithm": "RS256"}, "1002"),
        ({"sign_type": "JWT"}, "1002"),
        ({"lives_ms": 100 * 24 * HOUR_MS}, "1002"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else value,
)
def test_tokens_that_are_refused(served: Served, spoilt: dict[str, object], code: str, bare: bool) -> None:
    """Expired, forged, unsigned, of another algorithm or kind, or far too long-lived."""
    made = token(served.key, **spoilt)  # type: ignore[arg-type]  # names and types are those of the cases above
    assert status_of(served, made if bare else f"Bearer {made}") == (401, code)


def test_a_token_whose_payload_was_changed(served: Served) -> None:
    """The signature is of both parts."""
    head, _, signature = token(served.key).split(".")
    now = int(time.time() * 1000)
    other = {"api_key": served.key.partition(".")[0], "exp": now + 2 * HOUR_MS, "timestamp": now}
    payload = base64.urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode()
    assert status_of(served, f"Bearer {head}.{payload}.{signature}")[0] == 401


@pytest.mark.parametrize("base", BASES)
def test_the_credential_is_checked_before_the_body(served: Served, base: str) -> None:
    """Who has no key learns nothing about the body, however broken it is."""
    reply = ask(Place(served.port, None), "POST", f"{base}/chat/completions", b"{" * 100)
    assert reply.status == 401
