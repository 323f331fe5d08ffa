"""Tests of `glmgate serve`: the real program in a process of its own, from its first line to its end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from glmgate.cli.main import main

WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready: its process, its port, and what it said on standard output until then."""

    process: subprocess.Popen[str]
    port: int
    banner: str

    def status(self, key: str | None) -> int:
        """The HTTP status that a key gets."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_S)
        try:
            connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"} if key else {})
            return connection.getresponse().status
        finally:
            connection.close()

    def end(self) -> tuple[int, str]:
        """End it as a service manager would: its exit status, and its log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=WITHIN_S)
        return self.process.returncode, log


def started(home: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """The program `glmgate serve`."""
    command = [sys.executable, "-m", "glmgate", "serve", "--home", str(home), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **variables}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@contextmanager
def serving(home: Path, *arguments: str, **variables: str) -> Iterator[Server]:
    """A server on a free port, ended at the end whatever happened."""
    process = started(home, "--port", "0", *arguments, **variables)
    try:
        said = ""
        assert process.stdout is not None
        while "print(answer" not in said:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            said += line
        found = re.search(r"http://127\.0\.0\.1:(\d+)/v1", said)
        assert found
        yield Server(process, int(found[1]), said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def refused(home: Path, *arguments: str) -> str:
    """The one line of a start that does not go on, with status 1."""
    process = started(home, *arguments)
    said, told = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, said) == (1, "")
    assert len(told.splitlines()) == 1, told
    return told


def key_of(banner: str) -> str:
    """The key in a banner."""
    found = re.search(r'api_key="([^"]+)"', banner)
    assert found
    return found[1]


def test_the_first_start_makes_a_key_that_works(tmp_path: Path) -> None:
    """The key in the banner opens the server, no key and a wrong one do not, and a signal ends it with status 0."""
    with serving(tmp_path) as server:
        key = key_of(server.banner)
        assert re.fullmatch(r"[0-9a-f]{32}\.[0-9A-Za-z]{43}", key)
        assert [server.status(key), server.status(None), server.status(key + "x")] == [200, 401, 401]
        code, log = server.end()
    assert code == 0
    assert key.split(".")[1] not in log


def test_later_starts_show_no_key_and_take_the_first_one(tmp_path: Path) -> None:
    """A key outlives its server; only the first start prints it."""
    with serving(tmp_path) as server:
        key = key_of(server.banner)
        server.end()
    with serving(tmp_path) as again:
        key_id, secret = key.split(".")
        assert f"glmgate keys show {key_id}" in again.banner
        assert secret not in again.banner
        assert again.status(key) == 200


def test_an_administrators_key_is_none_to_begin_with(tmp_path: Path) -> None:
    """Where one was made before the first start, that start still makes and shows one that asks models."""
    keys = [sys.executable, "-m", "glmgate", "keys", "create", "--name", "root", "--admin", "--home", str(tmp_path)]
    made = subprocess.run(keys, capture_output=True, text=True, check=True).stdout.strip()
    with serving(tmp_path) as server:
        assert server.status(key_of(server.banner)) == 200
        assert server.status(made) == 403
        assert made.partition(".")[0] not in server.banner


def test_a_key_is_made_and_revoked_while_the_server_runs(tmp_path: Path) -> None:
    """What the command does, the running server knows within a second."""
    keys = [sys.executable, "-m", "glmgate", "keys"]
    with serving(tmp_path) as server:
        made = [*keys, "create", "--name", "x", "--home", str(tmp_path)]
        key = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
        assert server.status(key) == 200
        revoke = [*keys, "revoke", key.split(".")[0], "--home", str(tmp_path)]
        subprocess.run(revoke, capture_output=True, text=True, check=True)
        time.sleep(1)
        assert server.status(key) == 401


def test_without_auth_no_key_is_needed_or_made(tmp_path: Path) -> None:
    """--no-auth answers whoever is on this machine, and makes neither key nor database."""
    with serving(tmp_path, "--no-auth") as server:
        assert "--no-auth" in server.banner
        assert server.status(None) == 200
    assert list(tmp_path.iterdir()) == []


def test_without_auth_other_machines_are_kept_out(tmp_path: Path) -> None:
    """--no-auth on an address that others reach stops the start."""
    result = CliRunner().invoke(main, ["serve", "--home", str(tmp_path), "--no-auth", "--host", "0.0.0.0"])
    assert result.exit_code == 1
    assert "loopback" in result.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """One clear line that names the port, and no key is made for a server that never was."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(tmp_path, "--port", str(port))
    assert f"Port {port}" in told
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One clear line that names the file."""
    result = CliRunner().invoke(main, ["serve", "--home", str(tmp_path), "--model", str(tmp_path / "nowhere.gguf")])
    assert result.exit_code == 1
    assert "nowhere.gguf" in result.stderr


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    """A file of another sort is no model, and the line says which file."""
    (tmp_path / "letter.gguf").write_text("Dear all")
    assert "letter.gguf" in refused(tmp_path / "home", "--port", "0", "--model", str(tmp_path / "letter.gguf"))


def test_another_master_key_stops_the_start(tmp_path: Path) -> None:
    """A database whose keys another master key made is not served."""
    assert CliRunner().invoke(main, ["keys", "create", "--name", "x", "--home", str(tmp_path)]).exit_code == 0
    (tmp_path / "master.key").unlink()
    assert "fingerprint" in refused(tmp_path, "--port", "0")


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--port", "http"), ("--ctx", "0"), ("--nonsense",)])
def test_wrong_use_has_status_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Flags that make no sense are mistakes in the use."""
    assert CliRunner().invoke(main, ["serve", "--home", str(tmp_path), *arguments]).exit_code == 2


def test_flags_become_settings(tmp_path: Path) -> None:
    """Strict names are known to the server, and the banner warns of no stand-ins."""
    with serving(tmp_path, "--strict-models", "--log-format", "json", "--verbose") as server:
        assert "are answered by" not in server.banner
        assert server.status(key_of(server.banner)) == 200
        _, log = server.end()
    assert all(line.startswith("{") for line in log.splitlines())


def test_a_key_in_the_environment_is_told_in_the_first_line(tmp_path: Path) -> None:
    """Where GLM names go, by which variable, and how to prevent it; the key itself is not shown."""
    with serving(tmp_path, "--no-auth", ZAI_API_KEY="0123.SECRET") as server:
        first = server.banner.splitlines()[0]
        _, log = server.end()
    assert first.startswith("GLM names are routed to zai (https://")
    assert "key in ZAI_API_KEY" in first
    assert "`--local` prevents it" in first
    assert 'model="glm-4.6"' in server.banner
    assert "SECRET" not in server.banner + log


def test_local_uses_no_key_in_the_environment(tmp_path: Path) -> None:
    """Then the built-in model answers, as on a machine without keys."""
    with serving(tmp_path, "--no-auth", "--local", ZAI_API_KEY="0123.SECRET") as server:
        assert server.banner.startswith("glmgate ")
        assert "answered by glmgate-tiny" in server.banner


def test_a_clients_key_in_the_environment_is_not_used(tmp_path: Path) -> None:
    """The variable often holds a key of this very server: it stays here, and the log says so."""
    made = CliRunner().invoke(main, ["keys", "create", "--name", "x", "--home", str(tmp_path)])
    key = made.stdout.strip()
    with serving(tmp_path, ZAI_API_KEY=key) as server:
        assert server.banner.startswith("glmgate ")
        _, log = server.end()
    assert "ZAI_API_KEY holds a key of this server" in log
    assert key.partition(".")[2] not in log + server.banner


def test_several_workers_are_one_server(tmp_path: Path) -> None:
    """One banner, one key, and an end with status 0 whatever signal it is."""
    with serving(tmp_path, "--workers", "2") as server:
        assert server.banner.count("is ready.") == 1
        assert [server.status(key_of(server.banner)), server.status(None)] == [200, 401]
        server.process.send_signal(signal.SIGINT)
        _, log = server.process.communicate(timeout=WITHIN_S)
    assert server.process.returncode == 0
    assert "Traceback" not in log


def test_a_worker_that_cannot_begin_ends_the_start(tmp_path: Path) -> None:
    """With what it has found, as one line."""
    (tmp_path / "counters.db").mkdir()
    (tmp_path / "glmgate.toml").write_text('[limits]\nstore = "file"\n')
    assert "counters.db' cannot be used" in refused(tmp_path, "--port", "0", "--workers", "2")
