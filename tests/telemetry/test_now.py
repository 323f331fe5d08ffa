"""What is going on, as JSON."""

from __future__ import annotations

import msgspec

from glmgate.cli.top.values import Now
from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.flights import Flights
from glmgate.telemetry.now import MOST_REQUESTS, now
from glmgate.telemetry.upstreams import CredentialNow, UpstreamNow, UpstreamsNow
from glmgate.wire.engine import Call, Caller
from tests.fakes.clock import FakeClock
from tests.telemetry.records import flight, record

UPSTREAMS = UpstreamsNow(
    (UpstreamNow("zai", 3, (CredentialNow(0, 2, 4, parked=False), CredentialNow(1, 0, 1, parked=True))),),
    {"zai/glm-4.6": "open"},
)


def test_all_of_it() -> None:
    """Requests, upstreams, breakers, engines, and the last minute."""
    clock = FakeClock(10.0)
    flights = Flights(clock)
    one = flight(Call("r-1", Caller("k-1", project="web"), "zai", uid="u-1"))
    one.place = "zai/glm-4.6"
    one.said(6, 7.0)
    flights.began(one)
    flights.ended(record(uid="u-2", error_code="engine_failed"))
    shown = now(flights, [EngineNow("tiny", "ready", busy=1, slots=4, waiting=2)], UPSTREAMS)
    assert shown["requests"] == [
        {
            "request_id": "r-1",
            "key_id": "k-1",
            "project": "web",
            "surface": "zai",
            "endpoint": "chat",
            "model": "gpt-4o",
            "deployment": "zai/glm-4.6",
            "state": "streaming",
            "age_s": 10.0,
            "first_s": 7.0,
            "tokens": 6,
            "tokens_per_s": 2.0,
        }
    ]
    assert (shown["in_flight"], shown["tokens_per_s"]) == (1, 2.0)
    assert shown["engines"] == [{"name": "tiny", "state": "ready", "busy": 1, "slots": 4, "waiting": 2}]
    assert shown["upstreams"][0]["credentials"][1] == {"place": 1, "in_flight": 0, "slots": 1, "parked": True}
    assert shown["breakers"] == {"zai/glm-4.6": "open"}
    assert shown["minute"] == {"requests": 1, "errors": 1, "prompt_tokens": 10, "completion_tokens": 5}


def test_the_client_of_it_reads_it() -> None:
    """`glmgate top` knows every member by its name."""
    flights = Flights(FakeClock(10.0))
    flights.began(flight())
    shown = now(flights, [EngineNow("tiny", "ready")], UPSTREAMS)
    read = msgspec.json.decode(msgspec.json.encode(shown), type=Now)
    assert (read.in_flight, read.requests[0].model, read.upstreams[0].waiting) == (1, "gpt-4o", 3)


def test_a_callers_words_are_cut_and_whole() -> None:
    """A name may hold half a character, which JSON has no place for."""
    flights = Flights(FakeClock())
    flights.began(flight(model="\ud800" + "m" * 1000))
    shown = msgspec.json.decode(msgspec.json.encode(now(flights, (), UpstreamsNow())))
    assert len(shown["requests"][0]["model"]) == 200


def test_not_more_than_can_be_shown() -> None:
    """All are counted."""
    flights = Flights(FakeClock())
    for number in range(MOST_REQUESTS + 5):
        flights.began(flight(Call("r", Caller("k"), "openai", uid=str(number))))
    shown = now(flights, (), UpstreamsNow())
    assert (shown["in_flight"], len(shown["requests"])) == (MOST_REQUESTS + 5, MOST_REQUESTS)
