"""What is fitted is accepted by services that are as strict as the real ones, and nothing of it is ignored there.

This is the other half of the promise: that a member is sent says nothing as long as the service drops it in silence.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from glmgate.adaptation.fit import fit
from glmgate.engines.upstream.body import generation
from glmgate.errors import RequestRefused
from glmgate.wire.chat import ChatRequest
from glmgate.wire.engine import Call, Caller
from glmgate.wire.members import convert
from tests.adaptation.services import SERVICES, service
from tests.adaptation.test_promise import CHAT, TURNS, copied, some_of
from tests.services import KINDS, ServiceName
from tests.services.refusals import Look

Body = dict[str, Any]
GLM_MODELS: Final = (
    "glm-4-plus",
    "glm-4.5",
    "glm-4.5v",
    "glm-4.6",
    "glm-4.6v",
    "glm-4.7",
    "glm-5",
    "glm-5.2",
    "glm-5.3",
)
PLACES: Final = [
    (name, model)
    for name in SERVICES
    for model in (GLM_MODELS if KINDS[cast("ServiceName", name)].path != "/v1" else ("m",))
]
CALL: Final = Call(request_id="request-1", caller=Caller(key_id="k"), surface="openai")


@pytest.mark.parametrize(("name", "model"), PLACES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_of(CHAT), st.sampled_from(TURNS))
def test_what_is_fitted_is_taken(name: str, model: str, members: Body, turns: list[Body]) -> None:
    """Every well-formed request that was not refused by us is not refused there, and obeyed in all that is sent."""
    profile = service(name, model)
    try:
        fitted = fit(convert(copied({"model": "m", "messages": turns} | members), ChatRequest), profile)
    except RequestRefused:
        return
    # The strict service is stricter here than the real one's reference: files are taken, and a nucleus of nothing.
    assume(name != "openai" or ("mark-file" not in str(turns) and members.get("top_p") != 0))
    # How much a model that somebody serves himself can hold stands in no profile; the service refuses what is more.
    assume(model != "m" or {members.get("max_tokens"), members.get("max_completion_tokens")}.isdisjoint({200_000}))
    body = msgspec.json.decode(generation(CALL, fitted.request, model=model, profile=profile))
    look = Look(body)
    KINDS[cast("ServiceName", name)].check(look)
    # What an unknown service ignores cannot be known; its profile passes what it is given.
    assert look.ignored == [] or name == "generic", body
