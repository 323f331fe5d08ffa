"""Clients that go: one at a time and two hundred at once. What they held must be free again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.stories.asking import asking, sent
from tests.stories.bodies import chat, long_chat
from tests.stories.served import Served, await_true, reply_of, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CLIENTS = 200


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that nobody else asks, warm: what it opens once and keeps is open."""
    with serving(tmp_path_factory.mktemp("crowd")) as server:
        assert reply_of(server, chat()).status == 200
        yield server


def settled(read: Callable[[], int], wanted: int, within_s: float = 10) -> int:
    """What is read once it is not more than `wanted`, or at the end of patience."""
    end = time.monotonic() + within_s
    while (value := read()) > wanted and time.monotonic() < end:
        time.sleep(0.05)
    return value


@pytest.mark.parametrize("stream", [True, False])
def test_two_hundred_clients_vanish(crowded: Served, stream: bool) -> None:
    """No request, file descriptor, thread or slot is left of them, and the next one is answered at once."""
    descriptors, threads = crowded.descriptors(), crowded.threads()
    body = long_chat(stream=stream)
    connections = [sent(crowded.place, "/v1/chat/completions", body) for _ in range(CLIENTS)]
    time.sleep(0.3)
    for connection in connections:
        connection.close()

    assert settled(crowded.in_flight, 0) == 0
    assert settled(crowded.taken, 0) == 0
    assert settled(crowded.descriptors, descriptors) <= descriptors
    # A pool may have grown by a thread that it keeps; one for each client would be a leak.
    assert crowded.threads() <= threads + 8
    began = time.monotonic()
    assert reply_of(crowded, chat()).status == 200
    assert time.monotonic() - began < 2


def test_two_hundred_clients_that_say_nothing(crowded: Served) -> None:
    """Connections without a request, or with half of one, leave nothing behind either."""
    descriptors = crowded.descriptors()
    connections = [sent(crowded.place, "/v1/chat/completions", b"") for _ in range(CLIENTS // 2)]
    for connection in connections:
        connection.close()
    assert settled(crowded.descriptors, descriptors) <= descriptors
    assert settled(crowded.in_flight, 0) == 0


def test_a_client_that_goes_stops_its_answer(crowded: Served) -> None:
    """The work ends and its slot is free at once; the log says that the client left after the first text."""
    before = len(crowded.requests())
    with asking(crowded.place, "/v1/chat/completions", long_chat(stream=True)) as response:
        response.readline()
        assert crowded.taken() == 1
    assert settled(crowded.in_flight, 0, within_s=1) == 0
    assert settled(crowded.taken, 0, within_s=1) == 0
    (entry,) = crowded.requests(after=before)
    assert entry["ending"] == "client_left_after"


def test_a_client_that_goes_before_a_plain_answer(crowded: Served) -> None:
    """Also where nothing was to be sent before the end."""
    before = len(crowded.requests())
    connection = sent(crowded.place, "/v1/chat/completions", long_chat())
    await_true(lambda: crowded.in_flight() == 1, within_s=5)
    connection.close()
    assert settled(crowded.in_flight, 0, within_s=2) == 0
    (entry,) = crowded.requests(after=before)
    assert entry["ending"].startswith("client_left")
