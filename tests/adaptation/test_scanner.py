"""The scanner against a reference that looks at the text character by character."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.adaptation.scanner import Scanner

WORDS = st.text(alphabet="ab\n", min_size=1, max_size=4)
NEEDLES = st.lists(WORDS, min_size=1, max_size=4)
TEXTS = st.lists(st.text(alphabet="ab\n", max_size=6), max_size=8)


def reference(text: str, needles: list[str]) -> str:
    """`text` before the string that is complete first; of several complete at once, the longest."""
    for end in range(len(text) + 1):
        complete = [needle for needle in needles if text[:end].endswith(needle)]
        if complete:
            return text[: end - max(map(len, complete))]
    return text


@given(NEEDLES, TEXTS)
def test_any_cutting_gives_what_the_reference_gives(needles: list[str], pieces: list[str]) -> None:
    """Wherever the text is cut, the same of it comes out."""
    scanner = Scanner(needles)
    after = "".join(scanner.feed(piece) for piece in pieces) + scanner.flush()
    text = "".join(pieces)
    assert after == reference(text, needles)
    assert scanner.found == any(needle in text for needle in needles)


@given(NEEDLES, TEXTS)
def test_only_a_beginning_is_held(needles: list[str], pieces: list[str]) -> None:
    """What is held back is always the beginning of one of the strings, and never a whole one."""
    scanner = Scanner(needles)
    seen = "".join(scanner.feed(piece) for piece in pieces)
    if not scanner.found:
        held = "".join(pieces)[len(seen) :]
        assert held == "" or any(needle.startswith(held) and needle != held for needle in needles)


def test_nothing_comes_after_the_end() -> None:
    """Once a string was found the rest is dropped."""
    scanner = Scanner(["STOP"])
    assert [scanner.feed("one ST"), scanner.feed("OP two"), scanner.feed("three")] == ["one ", "", ""]
    assert scanner.flush() == ""
