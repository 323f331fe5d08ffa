"""A text in pieces: what comes out is the same however it was cut, and no more is held back than is needed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmgate.policy.filters.scan import BLOCK, HOLD, Chained, Counts, Numbers, Rule, Scan, whole
from tests.policy.filters.making import (
    CARD,
    LENGTHS,
    MAIL,
    RULES,
    UNSEEN,
    cut,
    kind_rule,
    masked,
    regex,
    scan,
    seen,
    sprinkled,
    texts_of,
    through,
    words,
)

PARTS = texts_of(
    *(
        MAIL,
        "jane@",
        "example.com",
        CARD,
        "4111111111111112",
        "5500 0055 5555 5559 ",
        "13812345678",
        "+44 20 7946 0958",
    ),
    *("11010519491231002X", "DE89 3704 0044 0532 0130 00", "123-45-6789", "AKIAIOSFODNN7EXAMPLE", "sk-abcdefghij"),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "bad", "bad dog", "badge", "法轮", "功", "dog-eared"),
    *("foo12", "bar", "abcbcd", "zzyyy", "x1234", "0123456789abcdef0123456789abcdef.aaaaaaaaaaaaaaaa"),
)


@pytest.mark.parametrize("name", list(RULES))
@given(text=PARTS, lengths=LENGTHS)
@settings(max_examples=60)
def test_how_a_text_is_cut_changes_nothing(name: str, text: str, lengths: list[int]) -> None:
    """Whole, or in any pieces: the same text comes out, and as much was found."""
    rule = RULES[name]()
    one, other = Counts(), Counts()
    in_pieces = through(Scan(rule, one, Numbers()), cut(text, lengths))
    assert in_pieces == whole(Scan(rule, other, Numbers()), text)
    assert one == other


@given(text=PARTS, lengths=LENGTHS)
def test_how_a_text_is_cut_changes_nothing_for_a_whole_chain(text: str, lengths: list[int]) -> None:
    """All rules behind each other."""
    rules = [make() for make in RULES.values()]
    first, second = (Chained(tuple(scan(rule) for rule in rules)) for _ in range(2))
    assert through(first, cut(text, lengths)) == whole(second, text)


@given(text=PARTS, lengths=LENGTHS, name=st.sampled_from(list(RULES)))
def test_what_has_left_never_changes(text: str, lengths: list[int], name: str) -> None:
    """Each piece is a beginning of what the whole text gives."""
    expected = masked(RULES[name](), text)
    machine, out = scan(RULES[name]()), ""
    for piece in cut(text, lengths):
        out += machine.feed(piece)
        assert expected.startswith(out)


@pytest.mark.parametrize("name", list(RULES))
@given(text=PARTS, places=st.lists(st.integers(0, 200), max_size=30), lengths=LENGTHS)
@settings(max_examples=60)
def test_what_nobody_sees_hides_nothing(name: str, text: str, places: list[int], lengths: list[int]) -> None:
    """Wherever it stands and however the text is cut: what is seen of the output is that of the plain text."""
    rule, plain = RULES[name](), seen(text)
    counts, hidden = Counts(), Counts()
    expected = whole(Scan(rule, counts, Numbers()), plain)
    out = through(Scan(rule, hidden, Numbers()), cut(sprinkled(plain, places), lengths))
    assert (seen(out), hidden) == (expected, counts)


@given(text=st.text(st.sampled_from(["a", "é", "好", *UNSEEN]), max_size=60), lengths=LENGTHS)
def test_what_is_not_masked_keeps_what_nobody_sees(text: str, lengths: list[int]) -> None:
    """Each at its place: words of some scripts and pictures are made with them."""
    assert through(scan(words("other", "éa a")), cut(text, lengths)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b\u200bad\u00ad dog\u2060 x", "a ***\u2060 x"),
        ("\u200bbad\u200b", "\u200b***\u200b"),
        ("b\u200d\u200d\ufeffadge", "***"),
        ("x\u200bbad", "x\u200bbad"),
        ("法\u200c轮", "***"),
        ("👨\u200d👩\u200d👧 \ufe0f", "👨\u200d👩\u200d👧 \ufe0f"),
    ],
)
def test_a_word_is_found_through_what_nobody_sees(text: str, shown: str) -> None:
    """The mask stands for all of it; what stands before and behind the word stays; what is seen as one word is one."""
    assert masked(words("bad", "bad dog", "badge", "法轮"), text) == shown


def test_a_stream_is_held_back_no_more_for_what_nobody_sees() -> None:
    """It leaves at once where no word can have begun before it."""
    machine = scan(words("bad"))
    fed = [machine.feed(piece) for piece in ("x \u200b", "\u200b", "b\u200b", "a", "\u200b", "y", "\u200b")]
    assert fed == ["x \u200b", "\u200b", "", "", "", "b\u200ba\u200by", "\u200b"]


def test_a_refusal_sees_through_too() -> None:
    """And gives nothing but what stood before."""
    machine = scan(words("bad", action="refuse"))
    assert machine.feed("so b\u200bad \u200b") + machine.close() == "so "
    assert machine.refused == "words"


def test_a_text_that_is_full_of_what_nobody_sees_takes_linear_time() -> None:
    """Also where it is all in one match."""
    for text in ("a\u200b" * 200_000, "<" + "\u200b" * 400_000 + ">", "<" + "x\u200b" * 100_000):
        began = time.process_time()
        masked(regex(r"<[^>]*>"), text)
        assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("piece", "leaves"),
    [("hello ", "hello "), ("hello", ""), ("hello w", "hello "), ("see jane@exa", "see "), ("see @", "see @")],
)
def test_no_more_is_held_back_than_may_become_a_match(piece: str, leaves: str) -> None:
    """A word may be the beginning of an address; a blank ends that."""
    assert scan(kind_rule("email")).feed(piece) == leaves


def test_a_word_list_holds_back_nothing_else() -> None:
    """Whatever cannot begin one of its words leaves at once."""
    machine = scan(words("badger", "法轮功"))
    assert [machine.feed(piece) for piece in ("all this ", "b", "ad", "ly ", "法轮", "常", "法轮功")] == [
        *("all this ", "", "", "badly ", "", "法轮常", "***"),
    ]


def test_a_refusal_ends_the_text_before_the_match() -> None:
    """Nothing comes after it, not even what is fed later."""
    machine = scan(kind_rule("card", "refuse"))
    assert machine.feed(f"my card is {CARD}, ") == "my card is "
    assert machine.refused == "card"
    assert (machine.feed("more"), machine.close()) == ("", "")


def test_behind_a_refusal_others_see_the_end_of_the_text() -> None:
    """What they held back leaves, and the chain tells who refused."""
    machine = Chained((scan(kind_rule("card", "refuse")), scan(kind_rule("email"))))
    assert machine.feed(f"{MAIL} {CARD}, ") == "[e-mail] "
    assert machine.refused == "card"
    assert machine.feed("x") + machine.close() == ""


def test_equal_texts_have_equal_numbers() -> None:
    """So that masked texts can still be told apart, for as long as the request lives."""
    rule = kind_rule("email")
    numbered = Rule(name="email", finder=rule.finder, replacement="[e-mail {n}]")
    numbers = Numbers()
    texts = ("a@b.io c@d.io", "c@d.io a@b.io")
    assert [whole(Scan(numbered, Counts(), numbers), text) for text in texts] == [
        "[e-mail 1] [e-mail 2]",
        "[e-mail 2] [e-mail 1]",
    ]


def test_a_number_of_a_wrong_sum_hides_no_right_one() -> None:
    """The search goes on behind it."""
    assert masked(kind_rule("card"), f"4111111111111112, {CARD}") == "4111111111111112, [card]"


@pytest.mark.parametrize("before", range(9, 25))
def test_a_number_is_found_anywhere_in_a_long_run(before: int) -> None:
    """However many groups stand before and behind it."""
    text = "1111 " * before + CARD + " 2222" * 40
    assert masked(kind_rule("card"), text) == "1111 " * before + "[card]" + " 2222" * 40
    account = "DE89 3704 0044 0532 0130 00"
    text = "ab12 " * before + account + " xy34" * 40
    assert masked(kind_rule("iban"), text) == "ab12 " * before + "[iban]" + " xy34" * 40


def test_edges_of_words_are_seen_across_pieces_and_masks() -> None:
    """What has left already still tells whether a word begins."""
    assert through(scan(regex(r"\bab\b")), ["x", "ab", " ab", "y ", "ab"]) == "xab aby [x]"
    assert through(scan(regex(r"^ab")), ["ab", "ab", "\nab"]) == "[x]ab\nab"


def test_a_match_without_an_end_is_not_waited_for() -> None:
    """What is held back is bounded, and the beginning of it is masked all the same."""
    rule = regex(r"secret=\S+")
    machine, held = scan(rule), 0
    text = "secret=" + "a" * (3 * HOLD)
    out = ""
    for at in range(0, len(text), 7):
        out += machine.feed(text[at : at + 7])
        held = max(held, min(at + 7, len(text)) - len(out))
    out += machine.close()
    assert held <= HOLD + BLOCK + 7
    assert out.startswith("[x]")
    assert out == masked(rule, text)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None)
def test_where_waiting_ends_does_not_depend_on_the_pieces(lengths: list[int]) -> None:
    """It is decided at fixed places of the text."""
    rule = regex(r"<[^>]*>", r"b=\w+")
    text = "a" * 1000 + "<" + "x b=1y " * 3000 + "b=" + "z" * 9000 + "> end"
    assert through(scan(rule), cut(text, lengths)) == masked(rule, text)


def test_a_text_that_is_all_beginnings_takes_linear_time() -> None:
    """Twice the text takes twice the time; each of its characters begins what never ends."""
    rule = regex(r"a.*z")

    def seconds(length: int) -> float:
        began = time.process_time()
        masked(rule, "a" * length)
        return time.process_time() - began

    seconds(10_000)
    assert seconds(400_000) < 12 * seconds(100_000) + 0.2
