"""Tests of the keys: derivation of secrets, states, rotation and revocation."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.errors import InvalidRequest, SettingsError
from glmgate.policy.keys import Key, MasterKey, new_key, revoked, rotated

MASTER = MasterKey.from_text("m" * 32)
NOW = 1_800_000_000.0


def make(**changes: float | None) -> Key:
    """A key that is live at NOW."""
    return Key(id="abc", name="test", created_at=NOW - 10, **changes)  # type: ignore[arg-type] # names of times only


@given(st.text(alphabet="0123456789abcdef", min_size=1, max_size=64), st.integers(0, 1000))
def test_a_secret_has_43_digits_of_base_62(key_id: str, generation: int) -> None:
    """Every secret is long enough for HS256 and holds nothing that a header or a URL would change."""
    secret = MASTER.derive(key_id, generation)
    assert len(secret) == 43
    assert secret.isalnum()
    assert secret.isascii()


def test_a_secret_is_the_hmac_of_id_and_generation() -> None:
    """The derivation never changes: a changed one would make every key that was given out wrong."""
    assert MASTER.derive("abc", 1) == "hLOUDUyg6sg12ffhSkj8a01QROspyX2HdvOthUF0vMf"


@pytest.mark.parametrize(
    "other",
    [("abd", 1, MASTER), ("abc", 2, MASTER), ("abc", 1, MasterKey.from_text("n" * 32))],
    ids=["id", "generation", "master key"],
)
def test_secrets_differ_by_everything_they_are_made_of(other: tuple[str, int, MasterKey]) -> None:
    """Another id, generation or master key gives another secret."""
    key_id, generation, master = other
    assert master.derive(key_id, generation) != MASTER.derive("abc", 1)


def test_a_key_is_sent_as_id_dot_secret() -> None:
    """A key's text has exactly one dot, between its id and its secret."""
    assert make().text(MASTER) == f"abc.{MASTER.derive('abc', 1)}"


def test_the_master_key_is_never_shown() -> None:
    """The representation of a master key does not hold it."""
    assert "mmm" not in repr(MASTER)


def test_a_short_master_key_is_refused() -> None:
    """A master key that could be guessed stops the start and says how to make one."""
    with pytest.raises(SettingsError, match=r"31 characters.*openssl rand"):
        MasterKey.from_text(" " + "m" * 31 + "\n")


def test_blanks_around_a_master_key_do_not_count() -> None:
    """A newline at the end of the file does not make another master key."""
    assert MasterKey.from_text("m" * 32 + "\n") == MASTER


def test_a_fingerprint_tells_master_keys_apart() -> None:
    """Two master keys have two fingerprints, and none holds its key."""
    other = MasterKey.from_text("n" * 32)
    assert MASTER.fingerprint != other.fingerprint
    assert "mmm" not in MASTER.fingerprint


@pytest.mark.parametrize(
    ("times", "state"),
    [
        ({}, "live"),
        ({"expires_at": NOW + 1}, "live"),
        ({"expires_at": NOW}, "expired"),
        ({"revoked_at": NOW - 1}, "revoked"),
        ({"revoked_at": NOW - 1, "expires_at": NOW - 2}, "revoked"),
    ],
)
def test_a_key_has_one_state(times: dict[str, float], state: str) -> None:
    """Revoked goes before expired, expired before live."""
    assert make(**times).state(NOW) == state


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "two\nlines", "\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    """Names stand in lists on terminals: they are printable and not endless."""
    with pytest.raises(InvalidRequest) as caught:
        new_key("abc", name, now=NOW)
    assert caught.value.param == "name"


def test_a_new_key_keeps_its_name_without_blanks() -> None:
    """Blanks around a name do not count."""
    assert new_key("abc", " mine ", now=NOW) == Key(id="abc", name="mine", created_at=NOW)


def test_a_new_key_does_not_expire_in_the_past() -> None:
    """A key that never could be used is a mistake."""
    with pytest.raises(InvalidRequest, match="past"):
        new_key("abc", "mine", now=NOW, expires_at=NOW)


@pytest.mark.parametrize("expires_at", [math.nan, math.inf, 1e300])
def test_an_end_that_is_no_date_is_refused(expires_at: float) -> None:
    """A list of keys has to show it."""
    with pytest.raises(InvalidRequest, match="36500 days"):
        new_key("abc", "mine", now=NOW, expires_at=expires_at)


def test_rotation_makes_the_next_generation() -> None:
    """A rotated key has another secret, and the one before is no longer good."""
    after = rotated(make(), now=NOW)
    assert after.generation == 2
    assert not after.takes_previous(NOW)


def test_rotation_can_overlap() -> None:
    """The secret before a rotation is good until the overlap's end."""
    after = rotated(make(), now=NOW, overlap_s=60)
    assert after.takes_previous(NOW + 59.9)
    assert not after.takes_previous(NOW + 60)


def test_rotation_does_not_bring_a_revoked_key_back() -> None:
    """A key that is not live is not rotated."""
    with pytest.raises(InvalidRequest, match="'abc' is revoked"):
        rotated(make(revoked_at=NOW), now=NOW)


@pytest.mark.parametrize("overlap_s", [-1.0, math.nan, math.inf, 1e300])
def test_an_overlap_that_makes_no_sense_is_refused(overlap_s: float) -> None:
    """An overlap is not negative, and it ends."""
    with pytest.raises(InvalidRequest, match=re.escape(f"{overlap_s!r} seconds")):
        rotated(make(), now=NOW, overlap_s=overlap_s)


def test_revoking_twice_keeps_the_first_date() -> None:
    """When a key was revoked does not change by revoking it again."""
    once = revoked(make(), now=NOW)
    assert once.state(NOW) == "revoked"
    assert revoked(once, now=NOW + 5) == once
