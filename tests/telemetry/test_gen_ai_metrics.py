"""The conventions' metrics and charges, as Prometheus reads them."""

from __future__ import annotations

import pytest

from glmgate.telemetry.gen_ai_metrics import model_at
from glmgate.telemetry.metrics import Metrics
from glmgate.wire.charge import NANO, ONE_CALL, Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller, Place
from tests.telemetry.records import record
from tests.telemetry.test_metrics import value

CALL = Call("r-1", Caller("k-1"), "openai")
PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
CHAT = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "glmgate", "gen_ai_response_model": "glmgate-tiny"}


def test_requests_that_went_well_have_all_times() -> None:
    """In seconds, under who answered."""
    metrics = Metrics()
    metrics.ended(record(token_s=0.02))
    assert value(metrics, "gen_ai_server_request_duration_seconds_sum", error_type="", **CHAT) == 1.5
    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_sum", **CHAT) == 0.0312
    assert value(metrics, "gen_ai_server_time_per_output_token_seconds_sum", **CHAT) == 0.02


def test_requests_that_failed_have_a_duration_and_its_type() -> None:
    """Their first token tells nothing of how fast a model is."""
    metrics = Metrics()
    metrics.ended(record(ending="truncated", error_code="answer_truncated", token_s=0.02))
    name = "gen_ai_server_request_duration_seconds_count"
    assert value(metrics, name, error_type="answer_truncated", **CHAT) == 1
    assert value(metrics, "gen_ai_server_time_to_first_token_seconds_count", **CHAT) is None
    assert value(metrics, "gen_ai_server_time_per_output_token_seconds_count", **CHAT) is None


def test_tokens_are_counted_where_they_are_billed() -> None:
    """Input and output of each attempt, under the upstream that bills them."""
    metrics = Metrics()
    metrics.gen_ai.charged(CALL, PLACE, Charge(usage=Usage(100, 7), units=ONE_CALL))
    labels = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "zai",
        "gen_ai_response_model": "glm-4.6",
    }
    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="input", **labels) == 100
    assert value(metrics, "gen_ai_client_token_usage_sum", gen_ai_token_type="output", **labels) == 7


def test_charges_are_kept_by_currency() -> None:
    """And what was estimated apart from what was told; 1.25 are 1.25."""
    metrics = Metrics()
    for amount, currency, estimated in ((NANO, "USD", False), (NANO // 4, "USD", False), (NANO, "CNY", True)):
        metrics.gen_ai.charged(CALL, PLACE, Charge(amount=amount, currency=currency, estimated=estimated))
    labels = {"deployment": "zai/glm-4.6"}
    assert value(metrics, "glmgate_charges_total", currency="USD", estimated="false", **labels) == 1.25
    assert value(metrics, "glmgate_charges_total", currency="CNY", estimated="true", **labels) == 1


def test_attempts_without_a_price_are_counted() -> None:
    """Not those that cost nothing, and not those of models of our own."""
    metrics = Metrics()
    used = Charge(usage=Usage(5, 5), units=ONE_CALL)
    metrics.gen_ai.charged(CALL, PLACE, used)
    metrics.gen_ai.charged(CALL, PLACE, Charge())
    metrics.gen_ai.charged(CALL, Place("tiny", "", "tiny"), used)
    assert value(metrics, "glmgate_unpriced_attempts_total", deployment="zai/glm-4.6") == 1
    assert value(metrics, "glmgate_unpriced_attempts_total", deployment="tiny") is None


@pytest.mark.parametrize(
    ("place", "model"),
    [
        (PLACE, "glm-4.6"),
        (Place("tiny", "", "tiny"), "tiny"),
        (Place("zai/other", "zai", "whatever-a-caller-typed"), "other"),
    ],
)
def test_a_name_that_a_caller_typed_is_no_label(place: Place, model: str) -> None:
    """Names that are not known one by one are counted together."""
    assert model_at(place) == model
