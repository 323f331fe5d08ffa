"""Reads a stream that breaks. Arguments: `openai`, `zhipuai` or `zai`, base URL, key, the body's JSON.

Writes `ready` when the SDK is loaded, waits for a line, writes `begun` when the first text is there, and then the
report: how the stream ended for the SDK's user.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.clients.scripts.telling import tell

SDK, BASE_URL, KEY, BODY = sys.argv[1:5]


def client() -> Any:
    """The client of the SDK that is installed here."""
    if SDK == "openai":
        from openai import OpenAI  # noqa: PLC0415  # each environment has one of the three

        return OpenAI(api_key=KEY, base_url=BASE_URL, max_retries=0)
    if SDK == "zhipuai":
        from zhipuai import ZhipuAI  # noqa: PLC0415  # see above

        return ZhipuAI(api_key=KEY, base_url=BASE_URL, max_retries=0)
    from zai import ZaiClient  # noqa: PLC0415  # see above

    return ZaiClient(api_key=KEY, base_url=BASE_URL, max_retries=0)


def read() -> object:
    """Read to the end; it is expected to raise."""
    count = 0
    sdk = client()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for _ in sdk.chat.completions.create(**json.loads(BODY)):
        if count == 0:
            sys.stdout.write("begun\n")
            sys.stdout.flush()
        count += 1
    return count


if __name__ == "__main__":
    tell({"stream": read})
