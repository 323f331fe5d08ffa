"""Tests of the master key's file: who makes it, and who may read it."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.storage.master import FILE_NAME, load_or_make


def mode(path: Path) -> int:
    """The permissions of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def fingerprint(home: Path) -> str:
    """What another process finds."""
    return load_or_make(home).fingerprint


def test_the_first_start_makes_folder_and_file_for_their_owner_only(tmp_path: Path) -> None:
    """The folder has 0700 and the file 0600, folders above it included."""
    home = tmp_path / "above" / "home"
    load_or_make(home)
    assert mode(home) == 0o700
    assert mode(home / FILE_NAME) == 0o600


def test_the_key_stays_the_same(tmp_path: Path) -> None:
    """The second start finds the first one's key, and nothing else is left in the folder."""
    assert load_or_make(tmp_path) == load_or_make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    """The key is random."""
    assert load_or_make(tmp_path / "a") != load_or_make(tmp_path / "b")


def test_a_folder_that_others_may_enter_is_made_private(tmp_path: Path) -> None:
    """Rights that a `mkdir` gave to others are taken away."""
    tmp_path.chmod(0o755)
    load_or_make(tmp_path)
    assert mode(tmp_path) == 0o700


@pytest.mark.parametrize("rights", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_may_open_stops_the_start(tmp_path: Path, rights: int) -> None:
    """Others may have read it already: somebody has to decide, and the message says what."""
    load_or_make(tmp_path)
    (tmp_path / FILE_NAME).chmod(rights)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_or_make(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"short\n", b"\xff\xfe" * 40], ids=["empty", "short", "no text"])
def test_a_damaged_file_stops_the_start(tmp_path: Path, contents: bytes) -> None:
    """A key that cannot be the one that was made is not used, nor replaced."""
    load_or_make(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(contents)
    with pytest.raises(SettingsError, match="master key"):
        load_or_make(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == contents


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    """The message names the path that cannot be a folder."""
    (tmp_path / "home").write_text("")
    with pytest.raises(SettingsError, match="home' cannot be made"):
        load_or_make(tmp_path / "home")


def test_processes_that_start_at_once_find_one_key(tmp_path: Path) -> None:
    """The first file wins; nobody reads half of one."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(fingerprint, [tmp_path] * 16, chunksize=1)
    assert len(set(found)) == 1
