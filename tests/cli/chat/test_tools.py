"""Tests of what a model may call."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.cli.chat.tools import TOOLS, run

NOW = datetime(2026, 1, 31, 20, 30, tzinfo=UTC)


def called(name: str, arguments: str) -> dict[str, Any]:
    """The result of a call."""
    result: dict[str, Any] = json.loads(run(name, arguments, now=lambda: NOW))
    return result


def test_the_time_is_told_where_it_is_asked_for() -> None:
    """In the zone that was named, with its offset and the day of the week."""
    assert called("get_time", '{"timezone": "Asia/Shanghai"}') == {
        "time": "2026-02-01T04:30:00+08:00",
        "weekday": "Sunday",
    }
    assert datetime.fromisoformat(called("get_time", "")["time"]) == NOW


def test_the_calculator_calculates() -> None:
    """Its result is text, as exact as it is."""
    assert called("calculator", '{"expression": "2^100"}') == {"result": str(2**100)}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("calculator", '{"expression": "1/0"}'),
        ("calculator", "{}"),
        ("calculator", '{"expression": 7}'),
        ("calculator", "{"),
        ("calculator", "[]"),
        ("get_time", '{"timezone": "Mars/Base"}'),
        ("get_time", '{"timezone": "../../etc/passwd"}'),
        ("get_time", '{"timezone": ["UTC"]}'),
        ("rm", "{}"),
    ],
)
def test_a_wrong_call_is_answered_with_what_was_wrong(name: str, arguments: str) -> None:
    """The model reads it and can do better."""
    assert list(called(name, arguments)) == ["error"]


_VALUES = st.none() | st.integers() | st.text() | st.lists(st.text())
_ARGUMENTS = st.dictionaries(st.sampled_from(["timezone", "expression"]), _VALUES)


@given(st.sampled_from([tool["function"]["name"] for tool in TOOLS]), st.text() | _ARGUMENTS.map(json.dumps))
def test_no_call_raises(name: str, arguments: str) -> None:
    """Whatever a model writes into it."""
    called(name, arguments)
