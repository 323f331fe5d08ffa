"""What a model may call in `glmgate chat`: the time and a calculator. Neither touches files, network or programs.

Calls are run here; that a model's calls are answered and how often is decided in `conversation`.
"""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from glmgate.cli.chat.calculator import CalculatorError, calculate

_LONGEST_ZONE: Final = 64


def _tool(name: str, description: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS: Final = (
    _tool(
        "get_time",
        "Get the current date and time.",
        {"timezone": {"type": "string", "description": "An IANA time zone, such as Asia/Shanghai; absent: local time"}},
        [],
    ),
    _tool(
        "calculator",
        "Calculate an arithmetic expression.",
        {"expression": {"type": "string", "description": "Such as 2 * (3 + 4) ^ 2 or sqrt(2)"}},
        ["expression"],
    ),
)


class _Refused(Exception):
    """A call that cannot be run; the message is for the model."""


def run(name: str, arguments: str, *, now: Callable[[], datetime]) -> str:
    """The result of a call as JSON. A wrong call is a result too: the model reads what was wrong with it."""
    try:
        return json.dumps(_result(name, _read(arguments), now()), ensure_ascii=False)
    except (_Refused, CalculatorError) as error:
        return json.dumps({"error": str(error)}, ensure_ascii=False)


def _read(arguments: str) -> dict[str, Any]:
    try:
        read = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as exc:
        raise _Refused("The arguments are not JSON.") from exc
    if not isinstance(read, dict):
        raise _Refused("The arguments must be a JSON object.")
    return read


def _result(name: str, arguments: dict[str, Any], now: datetime) -> dict[str, str]:
    match name:
        case "get_time":
            return _time(arguments.get("timezone"), now)
        case "calculator":
            expression = arguments.get("expression")
            if not isinstance(expression, str):
                raise _Refused("The argument `expression` must be a string.")
            return {"result": calculate(expression)}
        case _:
            raise _Refused(f"There is no tool {name!r}.")


def _time(zone: object, now: datetime) -> dict[str, str]:
    if zone is None or zone == "":
        local = now.astimezone()
    elif not isinstance(zone, str) or len(zone) > _LONGEST_ZONE:
        raise _Refused("The argument `timezone` must be the name of a time zone.")
    else:
        try:
            local = now.astimezone(zoneinfo.ZoneInfo(zone))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise _Refused(f"There is no time zone {zone!r}: give an IANA name such as Asia/Shanghai.") from exc
    return {"time": local.isoformat(timespec="seconds"), "weekday": local.strftime("%A")}
