"""Markdown as lines for a terminal: headings, lists, quotes, tables, code, and paragraphs wrapped to its width.

Pure; what CommonMark has beyond that is shown as it was written. Why not a library: decision record 8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from glmgate.cli.chat.inline import BOLD, CYAN, DIM, UNDERLINE, Run, runs

_FENCE: Final = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})[^`]*")
_HEADING: Final = re.compile(r" {0,3}(?P<level>#{1,6})(?:\s+(?P<text>.*?))?(?:\s+#+)?\s*")
_RULE: Final = re.compile(r" {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})")
_ITEM: Final = re.compile(r"(?P<indent>\s*)(?P<mark>[-*+]|\d{1,9}[.)])\s+(?P<text>.*)")
_QUOTE: Final = re.compile(r" {0,3}> ?(?P<text>.*)")
_TABLE_RULE: Final = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_NARROWEST: Final = 8


def rendered(text: str, width: int) -> list[str]:
    """The lines of a block of Markdown, each at most `width` columns wide but for code, with SGR escapes."""
    return [paint(line) for line in _lines(text.split("\n"), max(width, _NARROWEST))]


def paint(line: Iterable[Run]) -> str:
    """Runs as text with SGR escapes; each run ends what it began."""
    return "".join(f"\x1b[{run.style}m{run.text}\x1b[0m" if run.style else run.text for run in line)


def columns(text: str) -> int:
    """How many columns a terminal needs: 2 for wide characters (UAX 11), 0 for those that combine."""
    return sum(_column(char) for char in text)


def wrapped(line: Sequence[Run], width: int) -> list[list[Run]]:
    """Runs on as many lines as they need. It breaks at blanks, and between wide characters, which have none."""
    rows: list[list[Run]] = [[]]
    used = 0
    for piece in _pieces(line, width):
        size = sum(columns(run.text) for run in piece)
        if used and used + size > width:
            rows.append([])
            used = 0
        if used or not _blank(piece):
            rows[-1] += piece
            used += size
    return [_stripped(row) for row in rows]


def _pieces(line: Sequence[Run], width: int) -> Iterator[list[Run]]:
    """Words and blanks; words that are wider than a line in pieces."""
    for word in _words(line):
        if sum(columns(run.text) for run in word) <= width:
            yield word
        else:
            yield from ([piece] for run in word for piece in _cut(run, width))


def _blank(word: list[Run]) -> bool:
    return all(run.text.isspace() for run in word)


def _stripped(row: list[Run]) -> list[Run]:
    while row and not row[-1].text.strip():
        row = row[:-1]
    return row


def _column(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _words(line: Sequence[Run]) -> Iterator[list[Run]]:
    """Words and the blanks between them; a word may change its style."""

    def kind(pair: tuple[int, tuple[str, str]]) -> object:
        place, (char, _) = pair
        return "blank" if char.isspace() else place if _column(char) == 2 else "word"

    chars = [(char, run.style) for run in line for char in run.text]
    for _, group in groupby(enumerate(chars), key=kind):
        styled = [pair for _, pair in group]
        yield [
            Run("".join(char for char, _ in same), style) for style, same in groupby(styled, key=lambda pair: pair[1])
        ]


def _cut(run: Run, width: int) -> Iterator[Run]:
    step = max(1, width // 2)  # characters may be two columns wide
    for start in range(0, len(run.text), step):
        yield Run(run.text[start : start + step], run.style)


def _lines(source: list[str], width: int) -> Iterator[list[Run]]:
    place = 0
    while place < len(source):
        place, made = _element(source, place, width)
        yield from made


def _element(source: list[str], place: int, width: int) -> tuple[int, list[list[Run]]]:
    """The element that begins at `place`: where the next begins, and its lines."""
    line = source[place]
    if _FENCE.fullmatch(line):
        return _code(source, place)
    if not line.strip():
        return place + 1, [[]]
    if heading := _HEADING.fullmatch(line):
        style = f"{BOLD};{UNDERLINE}" if len(heading["level"]) < 3 else BOLD
        return place + 1, wrapped(runs(heading["text"] or "", style), width)
    if _RULE.fullmatch(line):
        return place + 1, [[Run("─" * width, DIM)]]
    if _begins_table(source, place):
        return _table(source, place, width)
    if _QUOTE.fullmatch(line):
        return _quote(source, place, width)
    return _paragraph(source, place, width)


def _begins_table(source: list[str], place: int) -> bool:
    below = source[place + 1] if place + 1 < len(source) else ""
    return "|" in source[place] and "|" in below and _TABLE_RULE.fullmatch(below) is not None


def _code(source: list[str], place: int) -> tuple[int, list[list[Run]]]:
    opening = _FENCE.fullmatch(source[place])
    assert opening is not None
    end = place + 1
    while end < len(source) and not (
        source[end].strip().startswith(opening["mark"]) and set(source[end].strip()) == {opening["mark"][0]}
    ):
        end += 1
    # Not wrapped and without a frame: it is there to be copied.
    return end + 1, [[Run(line, CYAN)] for line in source[place + 1 : end]]


def _quote(source: list[str], place: int, width: int) -> tuple[int, list[list[Run]]]:
    inner = []
    while place < len(source) and (found := _QUOTE.fullmatch(source[place])):
        inner.append(found["text"])
        place += 1
    # One level only: what is quoted in a quote keeps its mark, and no text nests deeper than we call.
    paragraphs = [wrapped(runs(line), max(width - 2, _NARROWEST)) for line in inner]
    return place, [[Run("│ ", DIM), *line] for lines in paragraphs for line in lines]


def _paragraph(source: list[str], place: int, width: int) -> tuple[int, list[list[Run]]]:
    """A paragraph or an item of a list: the lines up to where something else begins, joined and wrapped anew."""
    first, head, hang = source[place], list[Run](), ""
    if item := _ITEM.fullmatch(first):
        mark = "•" if item["mark"] in "-*+" else item["mark"]
        lead = item["indent"][: width // 2].expandtabs(4)
        head, hang, first = [Run(f"{lead}{mark} ")], " " * (len(lead) + len(mark) + 1), item["text"]
    rows, parts = list[list[Run]](), [first]
    place += 1
    while place < len(source) and not _begins(source, place):
        parts.append(source[place])
        place += 1
    for text in _joined(parts):
        rows += wrapped(runs(text), max(width - len(hang), _NARROWEST))
    return place, [[*(head if number == 0 else [Run(hang)] if hang else []), *row] for number, row in enumerate(rows)]


def _joined(parts: list[str]) -> list[str]:
    """Lines that belong together as one; two blanks or a backslash at an end keep it (CommonMark 6.7)."""
    lines = [""]
    for part in parts:
        kept = part.endswith(("  ", "\\"))
        text = part.strip().removesuffix("\\") if kept else part.strip()
        # Between wide characters a line's end is no blank.
        wide = bool(lines[-1] and text) and _column(lines[-1][-1]) == _column(text[0]) == 2
        lines[-1] += text if wide or not lines[-1] else f" {text}"
        if kept:
            lines.append("")
    return lines if lines[-1] or len(lines) == 1 else lines[:-1]


def _begins(source: list[str], place: int) -> bool:
    line = source[place]
    return not line.strip() or any(each.fullmatch(line) for each in (_FENCE, _HEADING, _RULE, _ITEM, _QUOTE))


def _table(source: list[str], place: int, width: int) -> tuple[int, list[list[Run]]]:
    rows = [_cells(source[place], BOLD)]
    place += 2
    while place < len(source) and "|" in source[place]:
        rows.append(_cells(source[place], ""))
        place += 1
    widths = _widths(rows)
    across = sum(widths) + 3 * (len(widths) - 1)
    if across > width:
        # Too wide to stand side by side: the cells of a row one below the other.
        return place, [line for row in rows for cell in row for line in wrapped([Run("· ", DIM), *cell], width)]
    lines = [_row(row, widths) for row in rows]
    return place, [lines[0], [Run("─" * across, DIM)], *lines[1:]]


def _widths(rows: list[list[list[Run]]]) -> list[int]:
    count = max(len(row) for row in rows)
    return [max(_width(row[each]) for row in rows if each < len(row)) for each in range(count)]


def _cells(line: str, style: str) -> list[list[Run]]:
    return [runs(cell.strip(), style) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _row(row: list[list[Run]], widths: list[int]) -> list[Run]:
    line: list[Run] = []
    for place, width in enumerate(widths):
        cell = row[place] if place < len(row) else []
        line += [*([Run(" │ ", DIM)] if place else []), *cell, Run(" " * (width - _width(cell)))]
    return line


def _width(cell: Iterable[Run]) -> int:
    return sum(columns(run.text) for run in cell)
