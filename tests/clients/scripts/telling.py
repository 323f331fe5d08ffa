"""How a script in a client's environment tells what happened: one JSON object on standard output, a member a story.

Only the standard library and what every environment has is imported here; verdicts are the tests', not the scripts'.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping

Story = Callable[[], object]


def tell(stories: Mapping[str, Story]) -> None:
    """Run every story and write what each gave or raised."""
    json.dump({name: outcome(story) for name, story in stories.items()}, sys.stdout, default=plain)
    sys.stdout.write("\n")


def outcome(story: Story) -> dict[str, object]:
    """`{"gave": …}` or `{"raised": …}`, and the seconds that it took."""
    began = time.monotonic()
    try:
        told: dict[str, object] = {"gave": story()}
    except Exception as error:  # noqa: BLE001  # what a client raises is what the test asks about
        told = {"raised": described(error)}
    return told | {"seconds": time.monotonic() - began}


def described(error: BaseException) -> dict[str, object]:
    """An exception in plain words: its class and bases, and what SDKs hang on it."""
    response = getattr(error, "response", None)
    request = getattr(response, "request", None)
    return {
        "class": type(error).__name__,
        "bases": [base.__name__ for base in type(error).__mro__[1:]],
        "message": str(error),
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "type": getattr(error, "type", None),
        "param": getattr(error, "param", None),
        "body": plain(getattr(error, "body", None) or getattr(error, "json_data", None)),
        "text": getattr(response, "text", None),
        "retries": getattr(request, "headers", {}).get("x-stainless-retry-count"),
    }


def plain(value: object) -> object:
    """A model of pydantic as what it holds; everything else as its text."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump()
    return value if isinstance(value, dict | list | str | int | float | bool | None) else str(value)
