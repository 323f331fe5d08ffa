"""The systemd unit: what it promises in text, and what systemd itself says of it where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "glmgate.service"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")


def settings() -> dict[str, list[str]]:
    """Every setting of the unit with its values, in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


@pytest.fixture
def runnable(tmp_path: Path) -> Path:
    """The unit with a program that exists everywhere, since systemd checks that it does."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/sh", UNIT.read_text("utf-8")), encoding="utf-8")
    return copy


def test_it_serves_on_loopback_with_its_state_in_its_own_folder() -> None:
    """Who opens it to a network does so in words; the state folder is private."""
    unit = settings()
    assert unit["ExecStart"] == ["/opt/glmgate/bin/glmgate serve --host 127.0.0.1 --port 8000"]
    assert unit["Environment"] == ["GLMGATE_HOME=/var/lib/glmgate"]
    assert (unit["StateDirectory"], unit["StateDirectoryMode"], unit["UMask"]) == (["glmgate"], ["0700"], ["0077"])


def test_stopping_leaves_the_engines_to_the_server() -> None:
    """Engines that got the signal too would cut the streams that the server lets finish."""
    unit = settings()
    assert unit["KillMode"] == ["mixed"]
    assert int(unit["TimeoutStopSec"][0]) > 30


def test_an_engine_out_of_memory_does_not_end_the_service() -> None:
    """The server restarts its engine, systemd the server."""
    unit = settings()
    assert (unit["OOMPolicy"], unit["Restart"]) == (["continue"], ["on-failure"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("SystemCallArchitectures", "native"),
    ],
)
def test_it_is_hardened(name: str, value: str) -> None:
    """No root, no capability, nothing writable but its state."""
    assert settings()[name] == [value]


@needs_systemd
def test_systemd_finds_no_fault(runnable: Path) -> None:
    """No unknown setting and no value that would be ignored."""
    done = subprocess.run(["systemd-analyze", "verify", runnable], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_rates_the_exposure_as_low(runnable: Path) -> None:
    """At most 2.0 of 10, where a service without any of it has 9.6."""
    command: list[str | Path] = [
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--threshold=20",
        "--no-pager",
        runnable,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
