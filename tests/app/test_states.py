"""How upstreams stand, in one word each."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from glmgate.app.keeper import Standing
from glmgate.app.states import readiness
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.routing.interfaces import CredentialState, PoolState
from glmgate.telemetry.upstreams import Breaker
from tests.fakes.engine import FakeEngine

GOOD = CredentialState(0, 2, 4, parked_until=None, resting_until=None, draining=False)
PARKED = CredentialState(1, 0, 4, parked_until=9.0, resting_until=None, draining=False)


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
    credentials: tuple[CredentialState, ...], breakers: Mapping[str, Breaker], state: str
) -> None:
    """Failing: all its deployments are left alone; parked: all its credentials are."""
    catalogue = Catalogue([Deployment(name="a", engine=FakeEngine(), kind="chat", rank="route")])
    found = readiness(catalogue, Standing(pools=(PoolState("zai", 3, credentials),)), None, breakers)
    assert found.ready
    assert found.engines["upstream:zai"] == {
        "state": state,
        "busy": sum(each.in_flight for each in credentials),
        "waiting": 3,
        "credentials": len(credentials),
        "parked": sum(each.parked_until is not None for each in credentials),
    }


def test_without_any_model_nothing_is_ready() -> None:
    """And why the engine is missing is said."""
    found = readiness(Catalogue([]), Standing(), "no AVX2", {})
    assert (found.ready, found.engines["embedded"]) == (False, {"state": "missing", "reason": "no AVX2"})
