"""What the machine has, and whether the engine can run on it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from glmgate.engines.embedded.machine import availability, good_threads, memory_bytes


def test_the_engine_is_available_here() -> None:
    """These tests run on machines that have it."""
    assert availability() is None


def test_a_missing_library_is_the_reason() -> None:
    """It is named, and where it would run."""
    reason = availability(library="no_such_library")
    assert reason is not None
    assert "'no_such_library' is not installed" in reason
    assert "macOS (arm64)" in reason


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere the wheel needs no library of the system")
def test_a_missing_openmp_is_the_reason() -> None:
    """Slim images lack it; the package that brings it is named."""
    assert "apt-get install libgomp1" in (availability(openmp="libnosuch.so.1") or "")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has AVX2")
def test_a_processor_without_avx2_is_the_reason(tmp_path: Path) -> None:
    """The wheel would end with an illegal instruction there."""
    old = tmp_path / "cpuinfo"
    old.write_text("flags\t\t: fpu sse sse2 avx\n")
    assert "AVX2" in (availability(cpuinfo=old) or "")
    new = tmp_path / "new"
    new.write_text("flags\t\t: fpu sse sse2 avx avx2\n")
    assert availability(cpuinfo=new) is None


def test_memory_is_that_of_the_machine_or_less() -> None:
    """A container may have less."""
    assert 1 << 28 < memory_bytes() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_core_is_left_to_the_rest() -> None:
    """But there is always one thread."""
    assert 1 <= good_threads() <= max(1, (os.cpu_count() or 1) - 1)
