"""Tests of the credentials: every form of contract 1.3, and everything that must not pass for one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glmgate.errors import AuthenticationFailed
from glmgate.policy.credentials import RawKey, SignedToken, judge, parse, secrets_of
from glmgate.policy.keys import Key, MasterKey, rotated
from tests.fakes.tokens import SDK_HEADER, encoded, sdk_token, signed

MASTER = MasterKey.from_text("m" * 32)
NOW = 1_800_000_000.0
NOW_MS = NOW * 1000
KEY = Key(id="a1b2", name="test", created_at=NOW - 10)
TEXT = KEY.text(MASTER)
SECRET = MASTER.derive("a1b2", 1)


def identify(authorization: str | None, key: Key | None = KEY, *, now: float = NOW) -> Key:
    """What the gateway does with a header, but for the look-up."""
    credential = parse(authorization)
    found = key if key is not None and key.id == credential.key_id else None
    return judge(credential, found, secrets=secrets_of(credential.key_id, found, MASTER), now=now)


def refusal(authorization: str | None, key: Key | None = KEY, *, now: float = NOW) -> AuthenticationFailed:
    """The error that a header meets."""
    with pytest.raises(AuthenticationFailed) as caught:
        identify(authorization, key, now=now)
    return caught.value


def payload(**changes: object) -> dict[str, object]:
    """The payload of a good token, changed."""
    return {"api_key": "a1b2", "exp": NOW_MS + 210_000, "timestamp": NOW_MS} | changes


@pytest.mark.parametrize("form", ["Bearer {}", "{}", "bearer {}", "BEARER  {} ", "  {}  ", "Bearer\t{}"])
@pytest.mark.parametrize("credential", [TEXT, sdk_token(TEXT, now=NOW)], ids=["key", "token"])
def test_every_form_of_a_credential_is_accepted(form: str, credential: str) -> None:
    """Key or token, with or without the word Bearer in any case, with blanks around: contract 1.3."""
    assert identify(form.format(credential)) == KEY


@pytest.mark.parametrize("authorization", [None, "", "   ", "Bearer", "bearer  "])
def test_no_credential_is_1001(authorization: str | None) -> None:
    """A request without a credential is told how to send one."""
    error = refusal(authorization)
    assert error.zai_code == "1001"
    assert "Authorization: Bearer" in error.message


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer nodot",
        "Bearer .",
        "Bearer a1b2.",
        "Bearer .secret",
        "Bearer a.b.c.d",
        "Bearer a1b2.x y",
        "Basic YTpi",
        "Bearer a1b2.sécret",
        "Bearer a/b.secret",
        "Bearer " + "a" * 5000 + ".b",
        "Bearer a.b.c",
        "Bearer e30.e30.e30",
        "Bearer !!!.e30.e30",
        "Bearer \ud800.x",
    ],
)
def test_what_is_no_credential_is_1002(authorization: str) -> None:
    """Nonsense of every kind is told apart from a wrong secret, and never an error of ours."""
    assert refusal(authorization).zai_code == "1002"


@given(st.text(max_size=60))
def test_no_header_breaks_the_parser(authorization: str) -> None:
    """Whatever a stranger sends is refused as a credential, or read as one."""
    with suppress(AuthenticationFailed):
        assert isinstance(parse(authorization), RawKey | SignedToken)


def read(authorization: str) -> object:
    """What the parser makes of a header: a credential, or the words of its refusal."""
    try:
        return parse(authorization)
    except AuthenticationFailed as refused:
        return refused.zai_code, refused.message


KEYLIKE = st.from_regex(r"[A-Za-z0-9_-]{1,70}\.[ -\x7f\n]{0,40}\n?", fullmatch=True)


@given(KEYLIKE | st.text(max_size=30))
@example("a." + "s" * 256)
@example("a." + "s" * 257)
def test_the_usual_form_is_read_as_every_other(credential: str) -> None:
    """It has a shorter way, which takes nothing that the longer one does not take, and nothing otherwise."""
    assert read(f"Bearer {credential}") == read(f"bearer {credential}")


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "sign_type": "SIGN"},
        {"alg": "None", "sign_type": "SIGN"},
        {"alg": "RS256", "sign_type": "SIGN"},
        {"alg": "HS512", "sign_type": "SIGN"},
        {"alg": "hs256", "sign_type": "SIGN"},
        {"alg": "HS256"},
        {"alg": "HS256", "sign_type": "sign"},
        {"alg": ["HS256"], "sign_type": "SIGN"},
        {"sign_type": "SIGN"},
        ["HS256"],
    ],
)
def test_only_hs256_with_sign_type_sign_is_a_token(header: object) -> None:
    """Any other algorithm is refused even with a right signature."""
    assert refusal(signed(header, payload(), SECRET)).zai_code == "1002"


def test_an_unsigned_token_is_refused() -> None:
    """`alg: none` with an empty signature does not pass."""
    header = {"alg": "none", "sign_type": "SIGN"}
    assert refusal(f"{encoded(header)}.{encoded(payload())}.").zai_code == "1002"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW_MS - 1},
        {"exp": NOW_MS + 24 * 3_600_000 + 1},
        {"exp": "soon"},
        {"exp": True},
        {"exp": None},
        {"timestamp": "now"},
        {"api_key": 7},
        {"api_key": ""},
        {"api_key": "a b"},
        {"api_key": TEXT},
    ],
)
def test_a_token_with_a_senseless_payload_is_1002(changes: dict[str, object]) -> None:
    """Types, the id's form, and a life of 0 to 24 hours are checked before anything is looked up."""
    assert refusal(signed(SDK_HEADER, payload(**changes), SECRET)).zai_code == "1002"


def test_times_in_fractions_of_milliseconds_are_accepted() -> None:
    """Scripts that sign tokens by hand do not always round."""
    token = signed(SDK_HEADER, payload(exp=NOW_MS + 1000.5, timestamp=NOW_MS - 0.25), SECRET)
    assert identify(token) == KEY


def test_a_forged_token_is_1004() -> None:
    """A token that was signed with another secret does not pass."""
    assert refusal(signed(SDK_HEADER, payload(), SECRET[:-1] + "x")).zai_code == "1004"


def test_a_token_whose_payload_was_changed_is_1004() -> None:
    """The signature covers the payload."""
    head, _, signature = sdk_token(TEXT, now=NOW).split(".")
    assert refusal(f"{head}.{encoded(payload(exp=NOW_MS + 999_000))}.{signature}").zai_code == "1004"


def test_a_token_lives_until_its_end_and_the_clock_skew() -> None:
    """Milliseconds decide, with a minute for clocks that differ; then it is 1003."""
    token = sdk_token(TEXT, now=NOW, life_s=60)
    assert identify(token, now=NOW + 119) == KEY
    assert refusal(token, now=NOW + 121).zai_code == "1003"


def test_a_token_in_seconds_has_expired() -> None:
    """Whoever signs in seconds, as other JWTs are, is told so and not let in for decades."""
    error = refusal(signed(SDK_HEADER, payload(exp=NOW + 60, timestamp=NOW), SECRET))
    assert error.zai_code == "1003"
    assert "milliseconds" in error.message


def test_a_token_from_the_future_is_refused() -> None:
    """A token signed more than the clock skew ahead could be kept for later."""
    token = sdk_token(TEXT, now=NOW + 61)
    assert refusal(token).zai_code == "1004"
    assert identify(token, now=NOW + 2) == KEY


def test_a_forged_token_that_expired_is_only_forged() -> None:
    """What is wrong with a token's time is told only to who could sign it."""
    token = signed(SDK_HEADER, payload(), "other")
    assert refusal(token, now=NOW + 10_000).zai_code == "1004"


def test_a_wrong_secret_and_an_unknown_key_look_alike() -> None:
    """Nobody learns which ids exist."""
    wrong = refusal(f"Bearer a1b2.{SECRET[:-1]}x")
    unknown = refusal(f"Bearer ffff.{SECRET}")
    assert (wrong.zai_code, wrong.message) == (unknown.zai_code, unknown.message)
    assert wrong.zai_code == "1004"


def test_an_unknown_key_costs_the_work_of_a_known_one() -> None:
    """As many secrets are derived and compared for an id that does not exist."""
    assert len(secrets_of("ffff", None, MASTER)) == len(secrets_of("a1b2", KEY, MASTER))
    assert all(len(secret) == 43 for secret in secrets_of("ffff", None, MASTER))


@pytest.mark.parametrize("generation", [0, -1])
def test_nobody_gets_in_with_an_unknown_key(generation: int) -> None:
    """Even the secret that would be compared for an unknown id opens nothing."""
    assert refusal(f"Bearer a1b2.{MASTER.derive('a1b2', generation)}", None).zai_code == "1004"


def test_the_generation_before_the_first_is_no_key() -> None:
    """A key that was never rotated has one good secret."""
    assert refusal(f"Bearer a1b2.{MASTER.derive('a1b2', 0)}").zai_code == "1004"


def test_a_revoked_key_is_1004() -> None:
    """A revoked key is refused, and its owner is told why."""
    error = refusal(TEXT, replace(KEY, revoked_at=NOW - 1))
    assert error.zai_code == "1004"
    assert "revoked" in error.message


def test_that_a_key_was_revoked_is_told_only_to_its_owner() -> None:
    """With a wrong secret a revoked key looks like an unknown one."""
    error = refusal("Bearer a1b2.wrong", replace(KEY, revoked_at=NOW - 1))
    assert "revoked" not in error.message


@pytest.mark.parametrize("credential", [TEXT, sdk_token(TEXT, now=NOW)], ids=["key", "token"])
def test_an_expired_key_is_1003(credential: str) -> None:
    """A key's own end counts for the key and for tokens signed with it."""
    assert refusal(credential, replace(KEY, expires_at=NOW)).zai_code == "1003"


def test_a_rotated_key_takes_its_old_secret_only_within_the_overlap() -> None:
    """Old and new secret are good until the overlap ends, then only the new one."""
    after = rotated(KEY, now=NOW, overlap_s=30)
    assert identify(TEXT, after, now=NOW + 29) == after
    assert identify(sdk_token(TEXT, now=NOW), after, now=NOW + 29) == after
    assert identify(after.text(MASTER), after, now=NOW + 29) == after
    assert refusal(TEXT, after, now=NOW + 30).zai_code == "1004"


def test_no_secret_is_shown() -> None:
    """The representation of a credential holds no secret, whatever it is."""
    shown = repr(parse(TEXT)) + repr(parse(sdk_token(TEXT, now=NOW)))
    assert SECRET not in shown
    assert sdk_token(TEXT, now=NOW).rsplit(".", 1)[1] not in shown
