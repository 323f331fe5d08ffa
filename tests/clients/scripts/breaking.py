"""Asks for answers that break. Arguments: `openai`, `zhipuai` or `zai`, base URL, key, bodies by name as JSON.

All are asked at once; the report has how each ended for the SDK's user, and what was said until then.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.clients.scripts.telling import outcome, plain

SDK, BASE_URL, KEY, BODIES = sys.argv[1:5]


def client() -> Any:
    """The client of the SDK that is installed here; it tries once."""
    if SDK == "openai":
        from openai import OpenAI  # noqa: PLC0415  # each environment has one of the three

        return OpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0)
    if SDK == "zhipuai":
        from zhipuai import ZhipuAI  # noqa: PLC0415  # see above

        return ZhipuAI(api_key=KEY, base_url=BASE_URL, max_retries=0)
    from zai import ZaiClient  # noqa: PLC0415  # see above

    return ZaiClient(api_key=KEY, base_url=BASE_URL, max_retries=0)


def ask(sdk: Any, body: dict[str, Any], said: list[str]) -> object:
    """Read an answer to its end; the text goes into `said` as it comes."""
    answer = sdk.chat.completions.create(**body)
    if not body["stream"]:
        said.append(answer.choices[0].message.content or "")
        return answer.choices[0].finish_reason
    finish = None
    for chunk in answer:
        for choice in chunk.choices:
            delta = choice.delta
            said.append((getattr(delta, "reasoning_content", None) or "") + (delta.content or ""))
            finish = choice.finish_reason or finish
    return finish


def told(sdk: Any, body: dict[str, Any]) -> dict[str, object]:
    """What one body gave or raised."""
    said: list[str] = []
    return outcome(lambda: ask(sdk, body, said)) | {"said": "".join(said)}


if __name__ == "__main__":
    ASKED = json.loads(BODIES)
    SHARED = client()
    with ThreadPoolExecutor(12) as pool:
        ANSWERS = dict(zip(ASKED, pool.map(lambda body: told(SHARED, body), ASKED.values()), strict=True))
    json.dump(ANSWERS, sys.stdout, default=plain)
    sys.stdout.write("\n")
