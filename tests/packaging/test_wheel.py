"""The wheel: what is in it, and that it serves where nothing of this repository is.

It is installed with pip, offline, from the files of the runtime lock: what its metadata does not ask for is not there.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import wheelhouse

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "glmgate"
READY_WITHIN_S = 30.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel in an environment of its own, with a folder to run in and an environment to run with."""

    bin: Path
    folder: Path
    variables: dict[str, str]

    def run(self, *command: str) -> str:
        """What a program of the environment prints."""
        full: list[str | Path] = [self.bin / command[0], *command[1:]]
        done = subprocess.run(full, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without fetching anything."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a fresh environment, with the dependencies that it asks for and no others."""
    folder = tmp_path_factory.mktemp("alone")
    venv.EnvBuilder(symlinks=True).create(folder / "env")
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(python)]
    command = [*pip, "install", "--quiet", "--no-index", "--find-links", str(wheelhouse()), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return Installed(python.parent, folder, {**variables, "GLMGATE_HOME": str(folder / "home")})


@pytest.fixture(scope="module")
def port(installed: Installed) -> Iterator[int]:
    """The port of a server that the installed program runs, ended as a service manager would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    log = installed.folder / "log"
    command: list[str | Path] = [installed.bin / "glmgate", "serve", "--port", str(number)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=installed.folder, env=installed.variables, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_until_ready(number, server, log)
        yield number
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(60)
    assert status == 0, log.read_text(encoding="utf-8")


def wait_until_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once `/readyz` says so; fail with the server's log where it ended or takes too long."""
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end and server.poll() is None:
        try:
            if call(port, "GET", "/readyz")[0] == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail(f"not ready (status {server.poll()}):\n{log.read_text(encoding='utf-8')}")


def call(
    port: int, method: str, path: str, body: Mapping[str, object] | None = None, key: str = ""
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")
    finally:
        connection.close()


def test_it_is_small_enough(wheel: Path) -> None:
    """At most 40 MB, the two models included."""
    assert wheel.stat().st_size <= 40_000_000


def test_it_holds_every_file_of_both_packages(wheel: Path) -> None:
    """Models, profiles, templates, migrations and the type markers travel with the code; nothing else does."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    packages = (PACKAGE, PACKAGE.with_name("langchain_zhipuai"))
    files = [path for package in packages for path in package.rglob("*") if path.is_file()]
    expected = {path.relative_to(PACKAGE.parent).as_posix() for path in files if "__pycache__" not in path.parts}
    assert {name for name in packed if ".dist-info/" not in name} == expected
    assert {name.rpartition("/")[2] for name in packed if name.endswith(".gguf")} == {
        "all-minilm-l6-v2.gguf",
        "glmgate-tiny.gguf",
    }


def test_it_holds_the_licences(wheel: Path) -> None:
    """Our own, and licence and notice of the embedding model, where tools look for them."""
    packed = zipfile.ZipFile(wheel).namelist()
    licences = {name.rpartition("/")[2] for name in packed if ".dist-info/licenses/" in name}
    assert licences >= {"LICENSE", "LICENSE.all-minilm-l6-v2", "NOTICE.all-minilm-l6-v2"}


def test_it_runs_without_the_source(installed: Installed) -> None:
    """The package that runs is the one in the environment, and it knows its version."""
    where = installed.run("python", "-c", "import glmgate; print(glmgate.__file__)").strip()
    assert Path(where).is_relative_to(installed.folder)
    version = installed.run("python", "-c", "import glmgate; print(glmgate.__version__)").strip()
    assert version in installed.run("glmgate", "--version")


@pytest.mark.engine
def test_it_answers_from_its_own_models(installed: Installed, port: int) -> None:
    """A key made by the installed program opens the chat and the embedding model that the wheel carries."""
    key = installed.run("glmgate", "keys", "create", "--name", "wheel").strip()
    messages = [{"role": "user", "content": "Hello!"}]
    status, answer = call(port, "POST", "/v1/chat/completions", {"model": "glmgate-tiny", "messages": messages}, key)
    assert (status, answer.get("model")) == (200, "glmgate-tiny"), answer
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["choices"][0]["finish_reason"] == "stop"

    asked = {"model": "embedding-3", "input": "Hello!"}
    status, answer = call(port, "POST", "/api/paas/v4/embeddings", asked, key)
    assert status == 200, answer
    assert len(answer["data"][0]["embedding"]) == 2048


@pytest.mark.engine
def test_it_lets_nobody_in_without_a_key(port: int) -> None:
    """The installed server asks for a credential like the one from source."""
    status, answer = call(port, "GET", "/api/paas/v4/models")
    assert (status, answer["error"]["code"]) == (401, "1001")
