"""The transport to upstreams: made late, and once."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from glmgate.app.transport import LazyTransport
from glmgate.transport.interfaces import Outgoing
from glmgate.transport.proxies import Proxies
from tests.services import KEYS, service


async def test_it_asks_as_any_other() -> None:
    """Every way to ask, also at the same time before it was made."""
    transport = LazyTransport(Proxies())
    async with service("zai") as zai:
        models = Outgoing(url=f"{zai.base_url}/models", headers={"Authorization": f"Bearer {KEYS[0]}"})
        bad = Outgoing(url=f"{zai.base_url}/nothing", body=b"{}")
        replies = await asyncio.gather(*(transport.get(models, max_bytes=100_000) for _ in range(3)))
        assert [reply.status for reply in replies] == [200, 200, 200]
        assert (await transport.post(bad, max_bytes=100_000)).status == 401
        async with transport.fetch(models) as reply:
            assert b"glm" in await reply.whole(100_000)
        async with transport.stream(bad) as reply:
            assert reply.status == 401
    await transport.aclose()


async def test_what_was_never_used_is_closed() -> None:
    """A server that asked nobody ends like any other."""
    await LazyTransport(Proxies()).aclose()


def test_a_start_does_not_import_what_only_requests_need() -> None:
    """It is a fifth of all that a start imports."""
    code = "import sys, glmgate.cli.serve; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
