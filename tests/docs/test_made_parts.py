"""The parts of the pages that the program knows are as the program has them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glmgate.settings import declared
from tests.docs.pages import DOCS, rows, words
from tools.pages import PARTS, flags_of_serve, written

PAGES = sorted(DOCS.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_made_parts_are_fresh(page: Path) -> None:
    """What is written by hand stays, what is made is what would be made now."""
    text = page.read_text(encoding="utf-8")
    assert written(text) == text, "`.venv/bin/python -m tools.pages` writes it anew"


def test_every_part_stands_on_a_page() -> None:
    """No part is made for nobody."""
    used = [name for page in PAGES for name in re.findall(r"made by tools\.pages: (\w+)", page.read_text("utf-8"))]
    assert sorted(used) == sorted(PARTS)


def test_every_setting_has_a_row() -> None:
    """With its meaning, its variable, and its flag where it has one."""
    table = {words(row[4])[0]: row for row in rows(PARTS["settings"]()) if words(row[4])}
    assert set(table) == {setting.variable for setting in declared()}
    for setting in declared():
        assert setting.help
        assert setting.help in table[setting.variable]
    assert {row[5] for row in table.values() if row[5]} == {f"`{flag}`" for flag in flags_of_serve().values()}


@pytest.mark.parametrize(("place", "flag"), [(("server", "port"), "--port"), (("engine", "context"), "--ctx")])
def test_a_flag_is_that_of_its_setting(place: tuple[str, str], flag: str) -> None:
    """Flags are found where `serve` makes settings of them."""
    assert flags_of_serve()[place] == flag


def test_help_is_what_the_program_says() -> None:
    """The text on the page is the text on a terminal of a hundred columns."""
    command: list[str | Path] = [Path(sys.executable).with_name("glmgate"), "serve", "--help"]
    environment = os.environ | {"COLUMNS": "102"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in (DOCS / "cli.md").read_text(encoding="utf-8")
