"""Makes the environments of the repository from its locks: the program's, the tests', the clients'.

Standard library only, because it runs before anything is installed; what is installed already is left alone.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LOCKS: Final = ROOT / "requirements"
CLIENTS: Final = LOCKS / "clients"
RECORDS: Final = ".from"
# A line of a client's `.in`, where the client does not take every Python that the project does.
BOUND: Final = re.compile(r"^# python < (\d+)\.(\d+)$", re.MULTILINE)
# Two cores are what a small machine has; pip spends its time unpacking, more at once does not help.
AT_ONCE: Final = 3


class SetUpError(Exception):
    """What is missing on this machine, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with a Python of its own; beside its packages it keeps a copy of each file that they came from."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter inside."""
        return self.folder / "bin" / "python"

    def has(self, source: Path, name: str) -> bool:
        """Whether what `source` says now was installed under `name`."""
        record = self.folder / RECORDS / name
        return record.is_file() and record.read_bytes() == source.read_bytes()

    def note(self, source: Path, name: str) -> None:
        """Remember that what `source` says was installed under `name`."""
        record = self.folder / RECORDS / name
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_bytes(source.read_bytes())


def run(command: list[str | Path], *, cwd: Path = ROOT) -> None:
    """Run a command, its output kept back unless it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{' '.join(map(str, command))!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        raise SetUpError(message)


def version_of(python: Path) -> str | None:
    """`3.12`, or None where there is no Python that runs."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def create(folder: Path, *, pip: bool) -> Environment:
    """The environment in `folder`, made anew where its Python is another version than the one that runs this."""
    environment = Environment(folder)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version_of(environment.python) == here:
        return environment
    try:
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=pip).create(folder)
    except subprocess.CalledProcessError as error:
        message = (
            f"{sys.executable} cannot make an environment with pip (is its ensurepip missing?); "
            "on Debian and Ubuntu install the package python3-venv"
        )
        raise SetUpError(message) from error
    return environment


def install(target: Environment, *arguments: str | Path, pip: Path) -> None:
    """Run pip of the interpreter `pip` for `target`; locks name every file, so nothing is left to resolve."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    run([pip, "-m", "pip", "--python", target.python, "install", *quiet, "--no-deps", *arguments])


def program(*, developer: bool) -> None:
    """`.venv` with the locked dependencies and this source tree; for developers with the tools and the tests' too."""
    environment = create(ROOT / ".venv", pip=True)
    # The developers' lock holds all that the program needs, so a developer's `make serve` adds nothing.
    everything = developer or environment.has(LOCKS / "dev.txt", "dev")
    locks = [LOCKS / "dev.txt"] if everything else [LOCKS / "runtime.txt", LOCKS / "build.txt"]
    if not all(environment.has(lock, lock.stem) for lock in locks):
        tell(f"installing {' and '.join(map(shown, locks))} into .venv")
        # Compiled at once where a server will start from it: its first start is what a newcomer waits for.
        options = ["--no-compile"] if everything else []
        files = [part for lock in locks for part in ("-r", lock)]
        install(environment, "--require-hashes", *options, *files, pip=environment.python)
        for lock in locks:
            environment.note(lock, lock.stem)
        warn_of_engine(environment)
    install_project(environment)


def warn_of_engine(environment: Environment) -> None:
    """Say once what the engine's library lacks on this machine, such as OpenMP's on a bare Debian."""
    ask = "import importlib.util as u; u.find_spec('xllamacpp') and __import__('xllamacpp')"
    done = subprocess.run([environment.python, "-c", ask], capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        tell(f"the embedded engine cannot run here ({why}); where libgomp.so.1 is missing, install libgomp1")


def install_project(environment: Environment) -> None:
    """Install this source tree as it stands, so that a change shows at once; again when its metadata changes."""
    facts = {"project": ROOT / "pyproject.toml", "version": ROOT / "src" / "glmgate" / "__init__.py"}
    if all(environment.has(path, name) for name, path in facts.items()):
        return
    install(environment, "--no-build-isolation", "--editable", ROOT, pip=environment.python)
    for name, path in facts.items():
        environment.note(path, name)


def unfit(lock: Path, version: tuple[int, int] = sys.version_info[:2]) -> str | None:
    """Why a client's lock is not for this `version` of Python; None where it is. The bound stands in its `.in`."""
    source = lock.with_suffix(".in")
    found = BOUND.search(source.read_text(encoding="utf-8")) if source.is_file() else None
    if found is None or version < (int(found[1]), int(found[2])):
        return None
    return f"{lock.stem} needs a Python below {found[1]}.{found[2]}, and this one is {version[0]}.{version[1]}"


def client(lock: Path, folder: Path) -> None:
    """One client's environment in `folder`, from its lock; none where this Python is not one for it."""
    if (why := unfit(lock)) is not None:
        tell(f"leaving out {shown(lock)}: {why}")
        return
    environment = create(folder, pip=False)
    if environment.has(lock, "lock"):
        return
    tell(f"installing {shown(lock)} into {shown(folder)}")
    install(environment, "--require-hashes", "--no-compile", "-r", lock, pip=Path(sys.executable))
    environment.note(lock, "lock")


def wheelhouse(folder: Path) -> None:
    """The files of the runtime lock in `folder`, so that a wheel can be installed with its dependencies offline."""
    lock = LOCKS / "runtime.txt"
    kept = Environment(folder)
    version = f"lock-{sys.version_info.major}.{sys.version_info.minor}"
    if kept.has(lock, version):
        return
    tell(f"downloading requirements/runtime.txt into {shown(folder)}")
    quiet = ["--quiet", "--disable-pip-version-check"]
    pip: list[str | Path] = [sys.executable, "-m", "pip", "download", *quiet, "--no-deps"]
    run([*pip, "--require-hashes", "-r", lock, "-d", folder])
    kept.note(lock, version)


def node(folder: Path) -> None:
    """The packages of the Node client, beside its lock, where Node looks for them."""
    lock = folder / "package-lock.json"
    kept = Environment(folder / "node_modules")
    if kept.has(lock, "lock"):
        return
    if not (npm := shutil.which("npm")):
        message = "npm was not found; the tests of the Node client need Node.js >= 20 and npm on the PATH"
        raise SetUpError(message)
    tell(f"installing {shown(lock)}")
    run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)
    kept.note(lock, "lock")


def clients() -> None:
    """Every environment that a test runs a client in."""
    homes = ROOT / ".envs"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        work = [pool.submit(client, lock, homes / lock.stem) for lock in sorted(CLIENTS.glob("*.txt"))]
        work += [pool.submit(wheelhouse, homes / "wheelhouse"), pool.submit(node, ROOT / "tests" / "clients" / "node")]
        for each in work:
            each.result()


def training() -> None:
    """`.venv-training`, which is large (torch) and needed only to make the built-in models."""
    lock = ROOT / "training" / "requirements.txt"
    environment = create(ROOT / ".venv-training", pip=True)
    if environment.has(lock, "lock"):
        return
    tell(f"installing {shown(lock)} into .venv-training")
    run([environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", lock])
    environment.note(lock, "lock")


def shown(path: Path) -> str:
    """A path as it is called in this repository."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def tell(message: str) -> None:
    """Say what takes time, on standard error so that it never mixes with a program's output."""
    sys.stderr.write(f"set-up: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Make the environments that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", choices=("program", "developer", "clients", "training"))
    makers = {
        "program": lambda: program(developer=False),
        "developer": lambda: program(developer=True),
        "clients": clients,
        "training": training,
    }
    try:
        for kind in parser.parse_args(arguments).kinds:
            makers[kind]()
    except SetUpError as error:
        sys.stderr.write(f"set-up failed: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
