"""Opens what limits and budgets are counted by: the admission of requests, and the task that renews what they hold.

What is admitted is decided in `policy` and by the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glmgate.gateway.admit import Admission, Means


@asynccontextmanager
async def admitting(means: Means) -> AsyncIterator[Admission]:
    """Admission that keeps its leases; at the end everything that requests have left to be told is told."""
    admission = Admission(means)
    renewing = asyncio.create_task(admission.run())
    try:
        yield admission
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        await admission.aclose()
