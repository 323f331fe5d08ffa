"""Tests of what keeps credentials out of the output, wherever in a value they stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.doctor.secrecy import HIDDEN, Secrecy

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)


@given(key=KEYS, before=st.text(), after=st.text())
def test_a_key_is_in_nothing_that_was_cleaned(key: str, before: str, after: str) -> None:
    """Whatever stands around it."""
    assert key not in Secrecy([key]).clean(f"{before}{key}{after}").replace(HIDDEN, "\n")


def test_the_parts_of_a_key_are_hidden_too() -> None:
    """The secret half alone is as good as all of it for whoever knows the other half."""
    secrecy = Secrecy(["0123456789abcdef.ZxZxZxZxZx", "another-key"])
    assert secrecy.clean("a ZxZxZxZxZx b 0123456789abcdef c another-key") == f"a {HIDDEN} b {HIDDEN} c {HIDDEN}"


def test_a_short_key_is_hidden_where_it_stands_alone() -> None:
    """A key `k` must not take the letter out of every word."""
    assert Secrecy(["k"]).clean("key: k, kk") == f"key: {HIDDEN}, kk"


def test_every_text_of_a_value_is_cleaned() -> None:
    """Names of members as well; what is no text stays what it is."""
    value = {"a-secret-key": ["a-secret-key", {"n": 1, "t": ("x a-secret-key",)}, None, True]}
    assert Secrecy(["a-secret-key"]).clean_all(value) == {HIDDEN: [HIDDEN, {"n": 1, "t": [f"x {HIDDEN}"]}, None, True]}


def test_without_a_key_nothing_is_changed() -> None:
    """A server of one's own may need none."""
    assert Secrecy([]).clean("as it is") == "as it is"
