"""Keys of a running server: made, shown, rotated and revoked by the command line while others ask with them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.scripts.tokens import token
from tests.stories.asking import Place, ask
from tests.stories.served import KEY, Served, await_true, run_glmgate, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two servers on one home, as two processes of one installation."""
    home = tmp_path_factory.mktemp("keys")
    with serving(home) as first, serving(home, key=first.key) as second:
        yield first, second


def keys(server: Served, *arguments: str) -> str:
    """What `glmgate keys …` prints on standard output."""
    return run_glmgate(server, "keys", *arguments)


def status(server: Served, credential: str) -> int:
    """The status of a request with this credential that no engine is needed for."""
    return ask(Place(server.port, f"Bearer {credential}"), "GET", "/v1/models").status


def facts(server: Served, *arguments: str) -> Any:
    """What `glmgate keys … --json` prints."""
    return json.loads(keys(server, *arguments, "--json"))


def test_create_prints_the_key_alone(pair: tuple[Served, Served]) -> None:
    """So that a shell can put it into a variable; both servers take it at once."""
    printed = keys(pair[0], "create", "--name", "new")
    assert KEY.fullmatch(printed.removesuffix("\n"))
    assert [status(server, printed.strip()) for server in pair] == [200, 200]


def test_a_revoked_key_is_refused_by_every_process(pair: tuple[Served, Served]) -> None:
    """Within a second, the key itself and a token that was signed with it; both have just used it."""
    made = facts(pair[0], "create", "--name", "short-lived")
    signed = token(made["key"])
    assert [status(server, credential) for server in pair for credential in (made["key"], signed)] == [200] * 4
    keys(pair[0], "revoke", made["id"])
    began = time.monotonic()
    await_true(
        lambda: [status(server, each) for server in pair for each in (made["key"], signed)] == [401] * 4, within_s=5
    )
    assert time.monotonic() - began <= 1.2  # the last round of asking takes its time too


def test_a_rotated_key_has_another_secret(pair: tuple[Served, Served]) -> None:
    """The id stays; the old secret is refused."""
    made = facts(pair[0], "create", "--name", "rotated")
    rotated = facts(pair[0], "rotate", made["id"])
    assert rotated["id"] == made["id"]
    assert rotated["key"] != made["key"]
    assert status(pair[1], rotated["key"]) == 200
    assert status(pair[1], made["key"]) == 401


def test_the_list_has_no_secrets(pair: tuple[Served, Served]) -> None:
    """Ids and names only, in both forms."""
    made = facts(pair[0], "create", "--name", "listed")
    secret = made["key"].partition(".")[2]
    for listed in (keys(pair[0], "list"), keys(pair[0], "list", "--json")):
        assert made["id"] in listed
        assert secret not in listed
        assert not KEY.search(listed)


def test_no_log_has_a_secret(pair: tuple[Served, Served]) -> None:
    """Not of a key that asked, nor of a token; the first key stands only where the start shows it."""
    made = facts(pair[0], "create", "--name", "logged")
    signed = token(made["key"])
    for credential in (made["key"], signed, signed[:-2]):
        status(pair[1], credential)
    log = pair[1].log.read_text(encoding="utf-8")
    assert made["key"].partition(".")[2] not in log
    assert signed.rpartition(".")[2][:-2] not in log
