"""Masks for what is logged of contents."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.filters.logged import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to jane.doe+x@mail.example.org today", "write to [e-mail] today"),
        ("sk-abcdefghijklmnop1234 is it", "[secret] is it"),
        (f"{'0a' * 16}.AbCdEfGhIjKlMnOp", "[secret]"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: [secret]"),
        ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", "[secret]"),
        ("password = hunter2, user = me", "[secret], user = me"),
        ('{"api_key": "abc"}', '{"[secret]}'),
        ("card 4111 1111 1111 1111.", "card [number]."),
        ("call +49 170 1234567", "call [phone]"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [iban]"),
        ("no card: 4111 1111 1111 1112", "no card: [number]"),
        ("in full width: １２３４５６７８９", "in full width: [number]"),
        ("order12345678901234567890123", "order[number]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----", "[secret]"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow", "[secret]"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    """And what stands around it is kept."""
    assert masked(text) == shown


@pytest.mark.parametrize("text", ["", "What is 12345 + 678?", "in 2026-11", "GLM-4.6 at 3.5 %", "a@b", "你好，世界"])
def test_plain_text_stays(text: str) -> None:
    """Short numbers and names are no secrets."""
    assert masked(text) == text


@given(st.text(max_size=40), st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.[a-z]{2,5}", fullmatch=True))
def test_no_address_comes_through(before: str, address: str) -> None:
    """Whatever stands before it."""
    assert address not in masked(f"{before} {address}")


@pytest.mark.parametrize("text", ["a@" * 16_000, "eyJ-" * 8_000, "1 " * 16_000, "-----BEGIN " * 3_000, "a." * 16_000])
def test_no_text_takes_long(text: str) -> None:
    """Each pattern reads a text about once, whatever its writer had in mind."""
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 2
