"""How upstreams stand, in one word each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from glmgate.app.states import engines_now, readiness
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.telemetry.upstreams import Breaker, CredentialNow, UpstreamNow, UpstreamsNow
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine

GOOD = CredentialNow(0, 2, 4, parked=False)
PARKED = CredentialNow(1, 0, 4, parked=True)


@pytest.mark.parametrize(
    ("credentials", "breakers", "state"),
    [
        ((GOOD, PARKED), {"zai/a": "closed"}, "ready"),
        ((PARKED,), {"zai/a": "closed"}, "parked"),
        ((GOOD,), {"zai/a": "open", "zai/b": "open", "other/a": "closed"}, "failing"),
        ((GOOD,), {"zai/a": "open", "zai/b": "half-open"}, "ready"),
        ((GOOD,), {}, "ready"),
    ],
)
def test_the_state_of_an_upstream(
    credentials: tuple[CredentialNow, ...], breakers: Mapping[str, Breaker], state: str
) -> None:
    """Failing: all its deployments are left alone; parked: all its credentials are."""
    now = UpstreamsNow((UpstreamNow("zai", 3, credentials),), breakers)
    catalogue = Catalogue([Deployment(name="a", engine=FakeEngine(), kind="chat", rank="route")])
    found = readiness(catalogue, Supervisor(EmbeddedSettings()), None, now)
    assert found.ready
    assert found.engines["upstream:zai"] == {
        "state": state,
        "busy": sum(each.in_flight for each in credentials),
        "waiting": 3,
        "credentials": len(credentials),
        "parked": sum(each.parked for each in credentials),
    }


def test_without_any_model_nothing_is_ready() -> None:
    """And why the engine is missing is said."""
    found = readiness(Catalogue([]), Supervisor(EmbeddedSettings()), "no AVX2", UpstreamsNow())
    assert (found.ready, found.engines["embedded"]) == (False, {"state": "missing", "reason": "no AVX2"})


def test_models_that_nobody_asked_for_are_not_shown() -> None:
    """They have no slots and no process yet."""
    assert engines_now(Supervisor(EmbeddedSettings())) == []


async def test_a_model_that_was_asked_for_has_slots() -> None:
    """Its cache has a size once it is known how it will run."""
    supervisor = Supervisor(EmbeddedSettings(parallel=3))
    async with supervisor.slots(LocalModel("tiny", Path("tiny.gguf"))).hold():
        (now,) = engines_now(supervisor)
    assert (now.name, now.busy, now.slots, now.waiting, now.cells) == ("tiny", 1, 3, 0, 0)


async def test_who_wants_to_know_is_told_of_each_wait() -> None:
    """Also when it is set after the model was first asked for."""
    told: list[tuple[str, float]] = []
    supervisor = Supervisor(EmbeddedSettings(), clock=FakeClock())
    slots = supervisor.slots(LocalModel("tiny", Path("tiny.gguf")))
    supervisor.waited = lambda model, seconds: told.append((model, seconds))
    async with slots.hold():
        pass
    assert told == [("tiny", 0.0)]
