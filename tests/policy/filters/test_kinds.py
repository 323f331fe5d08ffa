"""What filters know by themselves, in sentences as people write them."""

from __future__ import annotations

import pytest

from glmgate.policy.filters.kinds import KINDS
from tests.policy.filters.making import kind_rule, masked

CASES = [
    ("email", "write to jane.doe+x@mail.example.co.uk.", "write to [e-mail]."),
    ("email", "邮箱是jane@例子.cn或jane@example.cn。", "邮箱是jane@例子.cn或[e-mail]。"),
    ("email", "ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[e-mail]"),
    ("email", "@someone said 5@3 and a@b", "@someone said 5@3 and a@b"),
    ("phone", "call +44 20 7946 0958 or 0049-30-123456.", "call [phone] or [phone]."),
    ("phone", "手机13812345678，或138 1234 5678", "手机[phone]，或[phone]"),
    ("phone", "+86 138-1234-5678", "[phone]"),
    ("phone", "1234567 and 23812345678", "1234567 and 23812345678"),
    ("card", "paid with 4111-1111-1111-1111, exp 12/27", "paid with [card], exp 12/27"),
    ("card", "4111 1111 1111 1111 12/27", "[card] 12/27"),
    ("card", "卡号４１１１１１１１１１１１１１１１", "卡号[card]"),
    ("card", "order 4111111111111112 of 20260101120000", "order 4111111111111112 of 20260101120000"),
    ("card", "4111111111111111 5500005555555559", "[card] [card]"),
    ("china-id", "身份证11010519491231002X。", "身份证[id]。"),
    ("china-id", "11010519491231002Xa", "11010519491231002Xa"),
    ("iban", "to DE89 3704 0044 0532 0130 00 today", "to [iban] today"),
    ("us-ssn", "ssn 123-45-6789", "ssn [ssn]"),
    ("us-ssn", "at 123-45-67890", "at 123-45-67890"),
    ("secret", "use AKIAIOSFODNN7EXAMPLE now", "use [secret] now"),
    ("secret", "ghp_" + "a" * 36, "[secret]"),
    ("secret", "Bearer sk-proj-abcdefghijklmnopqrst", "Bearer [secret]"),
    ("secret", "0123456789abcdef0123456789abcdef." + "aB3" * 14 + "x", "[secret]"),
    ("secret", "eyJhbGciOi.J9.x and eyJhbGciOiJI.eyJzdWIiOiI.c2lnbmF0dXJl", "eyJhbGciOi.J9.x and [secret]"),
    ("secret", "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: A\n\nMIIE\n-----END RSA PRIVATE KEY-----!", "[secret]!"),
    ("secret", "-----BEGIN PRIVATE KEY-----\nMIIE", "[secret]"),
    ("secret", "sk-short and a desk-lamp-of-twenty-letters-x", "sk-short and a desk-lamp-of-twenty-letters-x"),
]


@pytest.mark.parametrize(("kind", "text", "after"), CASES)
def test_a_kind_is_found_and_nothing_else(kind: str, text: str, after: str) -> None:
    """The mask says what stood there, and what only looks alike stays."""
    assert masked(kind_rule(kind), text) == after


def test_every_kind_has_a_case_and_a_mask_of_its_own() -> None:
    """Masks can be told apart."""
    assert {kind for kind, _, _ in CASES} == set(KINDS)
    assert len({known.replacement for known in KINDS.values()}) == len(KINDS)
