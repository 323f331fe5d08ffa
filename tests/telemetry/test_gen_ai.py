"""The words of the conventions."""

from __future__ import annotations

from typing import get_args

import pytest

from glmgate.policy.endings import Ending
from glmgate.telemetry.gen_ai import DURATIONS, FIRST_TOKEN, OPERATIONS, PER_TOKEN, TOKENS, error_type
from glmgate.wire.engine import Endpoint
from tests.telemetry.records import record


def test_every_endpoint_has_an_operation() -> None:
    """In the conventions' words, where they have one."""
    assert set(OPERATIONS) == set(get_args(Endpoint))
    assert (OPERATIONS["chat"], OPERATIONS["completions"]) == ("chat", "text_completion")
    assert OPERATIONS["embeddings"] == "embeddings"


def test_the_buckets_are_those_that_the_conventions_ask_for() -> None:
    """Dashboards of others are made for them."""
    small, large = (1, 4, 16, 64, 256, 1024, 4096), (16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
    assert small + large == TOKENS
    assert DURATIONS == (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
    assert FIRST_TOKEN == (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
    assert PER_TOKEN == (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)


@pytest.mark.parametrize("ending", list(Ending))
def test_an_answer_that_came_to_its_end_is_no_error(ending: Ending) -> None:
    """Every other ending has a type, the error's code where there is one."""
    good = {"completed", "length", "tool_calls", "filtered", "cache_hit", "coalesced"}
    assert error_type(record(ending=ending)) == ("" if ending in good else ending)
    assert error_type(record(ending=ending, error_code="engine_failed")) == "engine_failed"
