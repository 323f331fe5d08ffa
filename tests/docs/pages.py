"""The pages that users read, taken apart: fences, tables, links.

What each part has to hold is in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = ROOT / "README.md"
DOCS: Final = ROOT / "docs"
PAGES: Final = (
    README,
    ROOT / "CHANGELOG.md",
    *sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts),
)

_FENCE: Final = re.compile(r"^```(?P<info>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced part of a page: its language, its text, and the text of the fence right after it, if that is output."""

    page: Path
    line: int
    info: str
    text: str
    output: str | None

    @property
    def name(self) -> str:
        """For messages and test ids."""
        return f"{self.page.name}:{self.line}"


def fences(*infos: str) -> Iterator[Fence]:
    """All fences of these languages, page by page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = list(_FENCE.finditer(text))
        for place, match in enumerate(found):
            follows = found[place + 1] if place + 1 < len(found) else None
            beside = (
                follows is not None and follows["info"] == "text" and not text[match.end() : follows.start()].strip()
            )
            if match["info"] in infos:
                line = text.count("\n", 0, match.start()) + 1
                yield Fence(page, line, match["info"], match["text"], follows["text"] if follows and beside else None)


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its own or a higher level."""
    text = page.read_text(encoding="utf-8")
    level = heading.partition(" ")[0]
    begin = text.index(f"\n{heading}\n") + len(heading) + 2
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, begin)
    return text[begin : end.start() if end else None]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables' rows, heads included; a bar inside of a cell has a backslash before it."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|") and not set(line) <= set("|- :")]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in lines]


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def without_code(text: str) -> str:
    """The text without what is fenced or in backticks."""
    return re.sub(r"`[^`]+`", "", _FENCE.sub("", text))


def without_fences(text: str) -> str:
    """The text without what is fenced."""
    return _FENCE.sub("", text)
