"""Tests of the view for a terminal, by what a small terminal of our own shows after it was written to."""

from __future__ import annotations

import io
import re

from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.answer import Piece
from glmgate.cli.chat.screen import Screen

_TOKEN = re.compile(r"\x1b\[(?P<number>\d*)(?P<final>[AJ])|\x1b\[[0-9;]*m|(?P<char>[^\x1b])", re.DOTALL)


def displayed(written: str) -> list[str]:
    """What stands on a terminal that is wide and high enough."""
    rows, row, column = [""], 0, 0
    for token in _TOKEN.finditer(written):
        match token["final"], token["char"]:
            case "A", _:
                row -= int(token["number"])
                assert row >= 0
            case "J", _:
                rows[row:] = [rows[row][:column]]
            case _, "\n":
                row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
            case _, "\r":
                column = 0
            case _, str(char):
                rows[row] = rows[row][:column] + char + rows[row][column + 1 :]
                column += 1
    return rows


def answer(*pieces: Piece, smart: bool = True, thinking: bool = True) -> str:
    """All that is written for an answer of these pieces."""
    out = io.StringIO()
    screen = Screen(out, size=lambda: (400, 400), smart=smart)
    screen.thinking = thinking
    screen.begin()
    for piece in pieces:
        screen.piece(piece)
    screen.end("7 tokens")
    return out.getvalue()


def test_the_preview_leaves_nothing_behind() -> None:
    """A paragraph that came in pieces stands there once, rendered."""
    written = answer(Piece("some **bo"), Piece("ld**\n\nand"), Piece(" more\n"), Piece("yes"))
    assert "some **bo" in written
    assert displayed(written) == ["some bold", "", "and more yes", "7 tokens", ""]


def test_thinking_stands_before_the_answer() -> None:
    """Apart by an empty line."""
    written = answer(Piece(reasoning="let me"), Piece(reasoning=" see"), Piece("Yes."))
    assert displayed(written) == ["let me see", "", "Yes.", "7 tokens", ""]


def test_a_dumb_terminal_gets_text_without_escapes() -> None:
    """TERM=dumb: as it was written, block by block."""
    assert answer(Piece("**a**\n\nb"), smart=False) == "**a**\n\nb\n7 tokens\n"


@given(st.lists(st.text(alphabet="ab \n-*`", max_size=8), max_size=12))
def test_pieces_do_not_matter(pieces: list[str]) -> None:
    """In how many pieces an answer comes cannot be seen afterwards."""
    whole = answer(Piece("".join(pieces)))
    assert displayed(answer(*map(Piece, pieces))) == displayed(whole)


@given(st.text(), st.text())
def test_no_escape_is_written_but_ours(content: str, reasoning: str) -> None:
    """Colours, up, and clear: nothing else, whatever a model writes."""
    written = answer(Piece(reasoning=reasoning), Piece(content))
    for escape in re.findall(r"\x1b.{0,8}", written, re.DOTALL):
        assert re.match(r"\x1b\[([0-9;]*m|\d*A|J)", escape)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]", written)
