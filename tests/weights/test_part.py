"""Tests of a part: who may write to it, what it sums up, and what a full disk leaves."""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import signal
from pathlib import Path

import pytest

from glmgate.weights.errors import PullFailed
from glmgate.weights.part import Part


def opened(path: Path) -> Part:
    """A part that nobody else has."""
    part = Part.opened(path)
    assert part is not None
    part.resume()
    return part


def test_a_part_is_summed_up_while_it_is_written_and_when_it_is_resumed(tmp_path: Path) -> None:
    """Its checksum is that of all bytes, whoever wrote them."""
    part = opened(tmp_path / "p")
    part.write(b"abc")
    part.close()
    again = opened(tmp_path / "p")
    again.write(b"def")
    assert (again.size, again.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
    again.restart()
    again.write(b"x")
    assert again.sha256 == hashlib.sha256(b"x").hexdigest()
    again.place(tmp_path / "t")
    again.close()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("t", b"x")]


def test_only_one_has_a_part(tmp_path: Path) -> None:
    """Until it lets go."""
    part = opened(tmp_path / "p")
    part.write(b"x")
    assert Part.opened(tmp_path / "p") is None
    part.close()
    opened(tmp_path / "p").close()


def test_an_empty_part_is_not_left(tmp_path: Path) -> None:
    """A pull that failed before its first byte leaves nothing."""
    opened(tmp_path / "p").close()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_told_with_both_sizes(tmp_path: Path) -> None:
    """Before anything is written."""
    part = opened(tmp_path / "p")
    with pytest.raises(PullFailed, match=r"GB free, but 1000000\.00 GB"):
        part.check_room(10**15)
    part.close()


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """The error says what to do, and the part is gone."""
    told = multiprocessing.get_context("spawn").Pool(1)
    with told:
        assert "Make room" in told.apply(full, (tmp_path / "p",))
    assert list(tmp_path.iterdir()) == []


def full(path: Path) -> str:
    """Write more than the system lets this process write; what is said of it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    part = opened(path)
    part.write(b"x" * 6_000)
    try:
        part.write(b"x" * 6_000)
    except PullFailed as error:
        return error.message
    finally:
        part.close()
    return "nothing"
