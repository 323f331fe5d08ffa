"""Tests of what keys belong to: archiving, and names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glmgate.errors import InvalidRequest
from glmgate.policy.organisation import Project, archived, checked_name, usable

NOW = 1_800_000_000.0
PROJECT = Project(id="proj_1", name="Web", created_at=NOW - 5)


def test_an_archived_project_keeps_its_date() -> None:
    """Archiving twice is archiving once."""
    once = archived(PROJECT, now=NOW)
    assert once == replace(PROJECT, archived_at=NOW)
    assert archived(once, now=NOW + 1) == once


def test_the_default_project_stays() -> None:
    """Keys without a project belong to it."""
    with pytest.raises(InvalidRequest, match="cannot be archived"):
        archived(replace(PROJECT, id="default"), now=NOW)


def test_nothing_is_made_in_an_archived_project() -> None:
    """An open one is answered as it is."""
    assert usable(PROJECT) == PROJECT
    with pytest.raises(InvalidRequest, match="'proj_1' is archived"):
        usable(archived(PROJECT, now=NOW))


def test_a_name_loses_the_blanks_around_it() -> None:
    """And nothing else."""
    assert checked_name("  my project ", "A project's") == "my project"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x00b"])
def test_what_is_no_name_is_told(name: str) -> None:
    """Empty, too long, or with characters that no list could show."""
    with pytest.raises(InvalidRequest, match="A project's name has 1 to 100") as caught:
        checked_name(name, "A project's")
    assert caught.value.param == "name"
