"""Links and names on the pages lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, rows, section, without_code, without_fences, words

PACKAGE = ROOT / "src" / "glmgate"
ARCHITECTURE = DOCS / "architecture.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    """Every link to a file of the repository finds it."""
    text = without_code(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("https://", "http://")):
            assert (page.parent / target).exists(), target


def test_the_architecture_names_what_exists() -> None:
    """Every path in backticks is one of a package or of the repository."""
    named = [
        word
        for word in words(without_fences(ARCHITECTURE.read_text(encoding="utf-8")))
        if re.fullmatch(r"[\w./]+(\.py|/)|\w+/[\w/]+", word)
    ]
    assert len(named) > 20
    roots = (PACKAGE, PACKAGE.with_name("langchain_zhipuai"), ROOT)
    missing = [word for word in named if not any((root / word).exists() for root in roots)]
    assert not missing


def test_every_room_is_described() -> None:
    """The table of rooms has every part of the package, and no other."""
    listed = {words(row[0])[0].rstrip("/") for row in rows(section(ARCHITECTURE, "## The rooms"))[1:]}
    private = {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    assert listed == {path.name for path in PACKAGE.iterdir()} - private


@pytest.mark.slow
def test_the_pages_build(tmp_path: Path) -> None:
    """Sphinx has nothing to warn of: references, anchors, headings."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "-b",
        "html",
        DOCS,
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
