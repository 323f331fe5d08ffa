"""How upstreams stand, in one word each."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from glmgate.app.states import readiness
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.supervisor import Supervisor
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.telemetry.upstreams import Breaker, CredentialNow, UpstreamNow, UpstreamsNow
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
