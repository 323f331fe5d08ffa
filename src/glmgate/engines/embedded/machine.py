"""What this machine has: memory, processor cores, and whether the engine can run on it at all.

Reads the operating system only; nothing here starts anything.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
from pathlib import Path
from typing import Final

_CPUINFO: Final = Path("/proc/cpuinfo")
_CORES: Final = Path("/sys/devices/system/cpu")
_CGROUP_MEMORY: Final = Path("/sys/fs/cgroup/memory.max")
# Models get this share of the memory where no limit is set; the rest is the server's and everybody else's.
_MODELS_SHARE: Final = 0.75
_LIBRARY: Final = "xllamacpp"
# GNU's OpenMP: the wheel is linked with it and does not carry it, and slim images have none.
_OPENMP: Final = "libgomp.so.1"


def availability(*, library: str = _LIBRARY, cpuinfo: Path = _CPUINFO, openmp: str = _OPENMP) -> str | None:
    """Why the embedded engine cannot run here, as a sentence; None when it can."""
    if importlib.util.find_spec(library) is None:
        return (
            f"The package {library!r} is not installed: there is no wheel of it for "
            f"{platform.system()} on {platform.machine()}. It runs on Linux (x86-64, arm64) and macOS (arm64)."
        )
    if platform.system() == "Linux" and not _loads(openmp):
        return (
            f"The library {openmp!r} is missing, which the engine needs. Install it: `apt-get install libgomp1` "
            "(Debian, Ubuntu), `dnf install libgomp` (Fedora, RHEL)."
        )
    if platform.machine() in {"x86_64", "AMD64"} and not _has_avx2(cpuinfo):
        return "The processor has no AVX2, which the engine is compiled for. Use a processor made since 2013."
    return None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def memory_bytes() -> int:
    """The memory that this process may use: the machine's, or less where a container limits it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _text(_CGROUP_MEMORY).strip()
    return min(machine, int(limit)) if limit.isdigit() else machine


def memory_for_models(limit: int | None) -> int:
    """Bytes that all loaded models may use: the limit that was set, else a share of what this process may use."""
    return limit or int(memory_bytes() * _MODELS_SHARE)


def good_threads() -> int:
    """Threads for one model: a core is left to the server and to everything else on the machine.

    Physical cores, because ggml's barriers spin: a thread that shares a core slows all others (engine facts,
    "Threads").
    """
    return max(1, _physical_cores() - 1)


def _physical_cores() -> int:
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    siblings = {_text(_CORES / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu) for cpu in usable}
    return len(siblings)


def _has_avx2(cpuinfo: Path) -> bool:
    text = _text(cpuinfo)
    # Without that file (macOS) it cannot be told; every x86-64 Mac that runs a supported system has it.
    return not text or "avx2" in text.split()


def _text(path: Path) -> str:
    """The file's text; empty where the system has no such file."""
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
