"""The locks: complete, pinned by hash, in agreement with each other, and without the name of a host."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements/**/*.txt"))
NODE_LOCK = ROOT / "tests" / "clients" / "node" / "package-lock.json"


def pins(lock: Path) -> dict[str, str]:
    """Name and version of each package of a lock; where markers choose between several, all of them."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^ \\\n]+)", lock.read_text("utf-8"), re.MULTILINE):
        found[name] = f"{found[name]} {version}" if name in found else version
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_pinned_by_hash(lock: Path) -> None:
    """A file that changed after the lock was made is refused."""
    text = re.sub(r"\s*#.*", "", lock.read_text(encoding="utf-8"))
    requirements = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    assert requirements
    for requirement in requirements:
        assert re.match(r"[\w.-]+(\[.*\])?==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


@pytest.mark.parametrize("lock", [*LOCKS, NODE_LOCK], ids=lambda lock: lock.stem)
def test_no_lock_names_a_host(lock: Path) -> None:
    """Where packages come from is the machine's setting, not the repository's."""
    assert "://" not in lock.read_text(encoding="utf-8")


def test_the_node_lock_holds_integrity_and_no_address() -> None:
    """npm takes the packages from whatever registry it is set to and checks what it gets."""
    packages = json.loads(NODE_LOCK.read_text(encoding="utf-8"))["packages"]
    installed = [facts for name, facts in packages.items() if name]
    assert installed
    assert all("integrity" in facts and "resolved" not in facts for facts in installed)


def test_every_declared_dependency_is_locked() -> None:
    """A dependency that was added without `make lock` is found here, not on a user's machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {re.split(r"[^\w.-]", each)[0] for each in project["project"]["dependencies"]}
    groups = project["dependency-groups"].values()
    developer = {re.split(r"[^\w.-]", each)[0] for group in groups for each in group if isinstance(each, str)}
    assert declared <= pins(ROOT / "requirements" / "runtime.txt").keys()
    assert declared | developer <= pins(ROOT / "requirements" / "dev.txt").keys()


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_developers_run_what_users_run(name: str) -> None:
    """The developers' lock holds the smaller ones, version for version."""
    assert pins(ROOT / "requirements" / f"{name}.txt").items() <= pins(ROOT / "requirements" / "dev.txt").items()


def test_every_client_source_has_its_lock() -> None:
    """Each `.in` has a `.txt` with the packages that it names, and the other way round."""
    folder = ROOT / "requirements" / "clients"
    assert {path.stem for path in folder.glob("*.in")} == {path.stem for path in folder.glob("*.txt")}
    for source in folder.glob("*.in"):
        lines = [line for line in source.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        assert {re.split(r"[^\w.-]", line)[0] for line in lines} <= pins(source.with_suffix(".txt")).keys()
