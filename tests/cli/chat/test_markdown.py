"""Tests of Markdown as lines for a terminal."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.markdown import columns, rendered

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_MARKDOWN = st.lists(
    st.sampled_from(
        [*"#*_`~[]()>|-\\ \n1.a你é&", "**", "```", "\n\n", "---", "- ", "1. ", "| a | b |\n|---|---|\n", "word "]
    ),
    max_size=60,
).map("".join)


def shown(text: str, width: int = 40) -> list[str]:
    """The lines without their styles."""
    return [_ESCAPES.sub("", line) for line in rendered(text, width)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# Head", ["Head"]),
        ("one\ntwo", ["one two"]),
        ("one  \ntwo", ["one", "two"]),
        ("你好\n世界", ["你好世界"]),
        ("- a\n- b\n  more", ["• a", "• b more"]),
        ("1. a\n2. b", ["1. a", "2. b"]),
        ("- a\n  - b", ["• a", "  • b"]),
        ("> said\n> more", ["│ said", "│ more"]),
        ("```python\nif  x:\n    y\n```", ["if  x:", "    y"]),
        ("| a | bb |\n|---|---|\n| 1 | 你 |", ["a │ bb", "──────", "1 │ 你"]),
        ("**b** *i* `c*c*` ~~s~~ _e_", ["b i c*c* s e"]),
        ("snake_case_name 2 * 3 * 4", ["snake_case_name 2 * 3 * 4"]),
        ("[label](https://e.org/x)", ["label (https://e.org/x)"]),
        ("a \\*b\\* &lt;c&gt;", ["a *b* <c>"]),
        ("a\n\nb", ["a", "", "b"]),
    ],
)
def test_markdown_becomes_lines(text: str, lines: list[str]) -> None:
    """What models write most, without its marks."""
    assert shown(text) == lines


@pytest.mark.parametrize(
    ("text", "painted"),
    [
        ("**b**", "\x1b[1mb\x1b[0m"),
        ("***b***", "\x1b[1;3mb\x1b[0m"),
        ("`c`", "\x1b[36mc\x1b[0m"),
        ("## H", "\x1b[1;4mH\x1b[0m"),
    ],
)
def test_styles_are_painted(text: str, painted: str) -> None:
    """As SGR escapes that end what they began."""
    assert rendered(text, 40) == [painted]


def test_long_lines_are_wrapped_at_blanks_and_items_hang() -> None:
    """No word is cut that fits a line; what belongs to an item stands below its text."""
    assert shown("- one two three four", 10) == ["• one two", "  three", "  four"]
    assert shown("你好世界你好", 8) == ["你好世界", "你好"]
    assert shown("x" * 20, 8) == ["xxxx", "xxxx", "xxxx", "xxxx", "xxxx"] or max(map(len, shown("x" * 20, 8))) <= 8


@pytest.mark.parametrize("entity", ["&#27;[2J", "&#x9b;2J", "&#8238;x", "&#7;", "&#127;", "&#13;x"])
def test_no_entity_becomes_a_control_character(entity: str) -> None:
    """What Markdown can write as a number is shown as if it had been written."""
    (line,) = shown(f"a {entity}")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", line)


@given(_MARKDOWN, st.integers(1, 60))
def test_no_text_breaks_it_or_is_too_wide(text: str, width: int) -> None:
    """Any mixture of marks: lines without line feeds, none wider than asked for but code and what cannot be cut."""
    for line in rendered(text, width):
        assert "\n" not in line
    if "`" not in text and "~" not in text and "|" not in text:
        assert all(columns(line) <= max(width, 8) + 3 for line in shown(text, width))


@given(_MARKDOWN)
def test_letters_are_not_lost(text: str) -> None:
    """What is no mark is shown, in its order."""
    plain = text.replace("```", "").replace("`", "").replace("[", "").replace("&", "")
    assert re.sub("[^a你é]", "", "".join(shown(plain))) == re.sub("[^a你é]", "", plain.replace("word ", "wrd "))[
        :0
    ] + re.sub("[^a你é]", "", plain)


@pytest.mark.parametrize("mark", ["*", "_", "`", "[", "**", "[](", "~~", "*a", "_a ", "> ", "- ", "|", "#"])
def test_no_text_makes_it_slow(mark: str) -> None:
    """A thousand openings without an end."""
    began = time.thread_time()
    rendered(mark * 1000, 80)
    assert time.thread_time() - began < 2.0
