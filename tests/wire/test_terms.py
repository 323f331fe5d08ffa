"""Tests of terms: they come back as they were written, and nothing unknown is taken for one."""

from __future__ import annotations

import msgspec
import pytest

from glmgate.policy.keys import Key
from glmgate.wire.terms import NO_TERMS, Budget, Scope, Terms


def test_terms_come_back_as_they_were_written() -> None:
    """Every member survives JSON; what says nothing is not written."""
    terms = Terms(
        models=("glm-4.*",),
        rpm=5,
        tpm=1000,
        in_flight=2,
        budgets=(Budget(limit="10.5", unit="USD", period="day", mode="warn", zone="Asia/Shanghai"),),
        thinking="off",
        max_tokens=400,
        addresses=("10.0.0.0/8",),
        filters=("secrets",),
        tags=("team-a",),
        contents=True,
    )
    assert msgspec.json.decode(msgspec.json.encode(terms), type=Terms) == terms
    assert msgspec.json.encode(NO_TERMS) == b"{}"


def test_an_unknown_term_is_refused() -> None:
    """A misspelt limit must not be no limit."""
    with pytest.raises(msgspec.ValidationError, match="rpmm"):
        msgspec.json.decode(b'{"rpmm": 5}', type=Terms)


def test_a_keys_scopes_begin_with_the_widest() -> None:
    """Organisation, project, key: limits of each are counted by themselves."""
    above = (Scope("organisation", "acme", Terms(rpm=100)), Scope("project", "web"))
    key = Key(id="a1", name="one", created_at=1.0, terms=Terms(rpm=5), above=above)
    assert key.scopes == (*above, Scope("key", "a1", Terms(rpm=5)))
