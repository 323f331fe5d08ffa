"""Tests of Markdown cut into blocks while it arrives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.blocks import Blocks


def cut(*pieces: str) -> list[str]:
    """All blocks of a text that arrives in these pieces."""
    blocks = Blocks()
    found = [block for piece in pieces for block in blocks.feed(piece)]
    return [*found, *blocks.close()]


def test_paragraphs_are_blocks() -> None:
    """An empty line ends one, and it is given as soon as the next has begun."""
    blocks = Blocks()
    assert blocks.feed("one\nmore\n\n") == []
    assert blocks.feed("t") == ["one\nmore"]
    assert blocks.tail == "t"
    assert blocks.close() == ["t"]


def test_code_is_one_block_whatever_is_in_it() -> None:
    """Empty lines within a fence end nothing; the fence that closes it does."""
    assert cut("```python\na\n\nb\n", "```\nafter") == ["```python\na\n\nb\n```", "after"]


def test_a_longer_fence_holds_shorter_ones() -> None:
    """Markdown about Markdown."""
    assert cut("````\n```\nx\n```\n````\n") == ["````\n```\nx\n```\n````"]


def test_a_list_goes_on_after_an_empty_line() -> None:
    """What is indented belongs to the item before."""
    assert cut("- one\n\n  more of one\n\nnext") == ["- one\n\n  more of one", "next"]


def test_an_open_fence_ends_with_the_text() -> None:
    """An answer that was stopped in the middle of code."""
    assert cut("```\na\n\nb") == ["```\na\n\nb"]


@given(st.lists(st.sampled_from(["a", "\n", " ", "```", "~~~", "- b", "\n\n", "    c", "# d"]), max_size=40))
def test_nothing_is_lost_and_chunks_do_not_matter(pieces: list[str]) -> None:
    """However a text arrives, the same blocks come out, and together they are the text but for empty lines."""
    whole = "".join(pieces)
    assert cut(*pieces) == cut(whole) == cut(*whole)
    assert "".join("".join(cut(whole)).split()) == "".join(whole.split())
