"""What holds for every test of every folder: a clean environment and no network but loopback.

Fixtures do not live here: each folder has its own, and the real servers are in `servers`.
"""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
from pathlib import Path

from hypothesis import settings

pytest_plugins = ("tests.servers.plugin",)

# Nobody's key, proxy or server may decide how a test ends; vendors' names are matched by their beginnings because
# their SDKs read more variables with every release.
FOREIGN = (
    *(
        "GLMGATE_",
        "ZAI_",
        "ZHIPUAI_",
        "BIGMODEL_",
        "OPENAI_",
        "AZURE_OPENAI_",
        "ANTHROPIC_",
        "LANGCHAIN_",
        "LANGSMITH_",
    ),
    *("PG", "REDIS_", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)

for name in [name for name in os.environ if name.upper().startswith(FOREIGN)]:
    del os.environ[name]

# A program that is not told where its state lives finds a temporary folder, not the data of who runs the tests.
for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
    os.environ[f"XDG_{kind}_HOME"] = str(Path(tempfile.gettempdir()) / f"glmgate-tests-{os.getpid()}" / kind.lower())

# A shared machine stalls for seconds now and then, so no deadline; the same examples everywhere where CI is set.
settings.register_profile("glmgate", deadline=None, max_examples=100, derandomize="CI" in os.environ)
settings.load_profile("glmgate")


def is_local(host: object) -> bool:
    """Whether a name or address stays on this machine; an empty one means every address of it."""
    text = host.decode() if isinstance(host, bytes) else str(host or "")
    if text in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Fail whatever looks up or connects to another machine; UNIX sockets have a path in place of a pair."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not is_local(host):
        message = f"a test tried to reach {host!r}; tests use loopback only"
        raise PermissionError(message)


sys.addaudithook(refuse_network)
