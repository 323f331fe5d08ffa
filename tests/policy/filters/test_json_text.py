"""JSON in pieces through filters: it stays JSON, and says the same but for what is masked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.filters.json_text import JsonText
from glmgate.policy.filters.scan import Chained, Machine, Rule
from tests.policy.filters.making import CARD, LENGTHS, MAIL, cut, kind_rule, scan, texts_of, through, words

TEXTS = texts_of(MAIL, CARD, "bad", '"', "\\", "\n", "😀", "/", "\u0000")
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def machine(*rules: Rule) -> JsonText:
    """JSON through rules."""
    used = rules or (kind_rule("email"), kind_rule("card"), words("bad"))

    def make() -> Machine:
        return Chained(tuple(scan(rule) for rule in used))

    return JsonText(make)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{"to": "jane@example.com"}', '{"to": "[e-mail]"}'),
        (r'{"to": "jane\u0040example.com"}', '{"to": "[e-mail]"}'),
        ('{"jane@example.com": 1}', '{"[e-mail]": 1}'),
        ('{"n": 4111111111111111, "m": -1.5e3}', '{"n": "[card]", "m": -1.5e3}'),
        ("[4111111111111111]", '["[card]"]'),
        ("4111111111111111", '"[card]"'),
        ("[12345, 123]", "[12345, 123]"),
        (r'{"a": "\ud83d\ude00\n\"\\\/"}', '{"a": "😀\\n\\"\\\\/"}'),
        (r'{"a": "\ud83d", "b": "\ud83dx"}', r'{"a": "\ud83d", "b": "\ud83dx"}'),
        ('{"a": "jane@exam', '{"a": "jane@exam'),
        ('{"a": "bad"', '{"a": "***"'),
        ("not json bad 12", "not json *** 12"),
        ("jane@example.com", "[e-mail]"),
        ("{'to': 'jane@example.com', 'x': \"bad\"}", "{'to': '[e-mail]', 'x': \"***\"}"),
        ("4111 1111 1111 1111", "[card]"),
        ("[4111 1111 1111 1111]", "[[card]]"),
        ('{"a": 1} bad', '{"a": 1} ***'),
        ("nul: bad", "nul: ***"),
        (r'{"a": NaN, "b": -Infinity , "c": "jane\u0040example.com"}', '{"a": NaN, "b": -Infinity , "c": "[e-mail]"}'),
        ('{"n": 4111111111111111 \n}', '{"n": "[card]" \n}'),
        ("[12345 ,\n 123\n, true ]", "[12345 ,\n 123\n, true ]"),
        (f"[{'1' * 1100}, bad]", f"[{'1' * 1100}, ***]"),
        ('{"a": true, "b": null}', '{"a": true, "b": null}'),
        (r'{"a": "\q \u12"}', r'{"a": "\\q \\u12\"}'),
    ],
)
def test_strings_and_numbers_are_texts(text: str, after: str) -> None:
    """Also behind escapes, as keys, and where the JSON ends too early."""
    assert through(machine(), [text]) == after
    assert through(machine(), list(text)) == after


@given(VALUES, LENGTHS, st.booleans())
def test_json_stays_json(value: Any, lengths: list[int], ascii_only: bool) -> None:
    """Whatever is masked, and however it is cut and written."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    after = through(machine(), cut(text, lengths))
    assert after == through(machine(), [text])
    clean = json.loads(after)
    assert MAIL not in after
    if not any(sign in text for sign in ("@", "bad", "1")):
        assert clean == value


@given(st.lists(st.sampled_from([MAIL, CARD, "bad", "'", '"', "{", "}", ":", ",", " ", "x", "12", "null"])), LENGTHS)
def test_what_is_no_json_does_not_depend_on_pieces(parts: list[str], lengths: list[int]) -> None:
    """It may turn out in the middle of a piece or at its end."""
    text = "".join(parts)
    assert through(machine(), cut(text, lengths)) == through(machine(), [text])


def test_a_refusal_ends_it() -> None:
    """In a string, in a number, and in what is no JSON."""
    for text in (f'{{"a": "so {CARD} ", "b": 1}}', '{"a": 4111111111111111, "b": 1}', f"so {CARD} , b"):
        refusing = machine(kind_rule("card", "refuse"))
        out = through(refusing, list(text))
        assert (refusing.refused, "4111" in out, "b" in out) == ("card", False, False)
