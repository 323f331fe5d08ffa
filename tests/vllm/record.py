"""Records the answers of a real vLLM into `recorded/`: `python -m tests.vllm.record http://127.0.0.1:8000/v1`.

The default tests replay them, so that the shapes are looked at where no vLLM is installed.
"""

from __future__ import annotations

import http.client
import json
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.vllm.requests import RECORDED

FOLDER: Final = Path(__file__).with_name("recorded")


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole answer: status, content type, and the bytes of its body."""

    status: int
    kind: str
    body: bytes


def asked(base_url: str, body: dict[str, Any]) -> Recording:
    """What a server answers."""
    url = urlsplit(base_url)
    with closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)) as connection:
        connection.request(
            "POST", f"{url.path}/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        return Recording(answer.status, answer.headers.get_content_type(), answer.read())


def recorded(name: str) -> Recording:
    """What was recorded under that name."""
    first, _, body = (FOLDER / f"{name}.txt").read_bytes().partition(b"\n")
    status, kind = first.decode().split(" ", 1)
    return Recording(int(status), kind, body)


def main(base_url: str) -> None:
    """Ask all of it and write it down."""
    FOLDER.mkdir(exist_ok=True)
    for name, body in RECORDED.items():
        found = asked(base_url, body)
        (FOLDER / f"{name}.txt").write_bytes(f"{found.status} {found.kind}\n".encode() + found.body)


if __name__ == "__main__":
    main(sys.argv[1])
