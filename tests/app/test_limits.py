"""Tests of the admission that is opened with the program: its leases are kept, and its end settles everything."""

from __future__ import annotations

import asyncio

from glmgate.app.limits import admitting
from glmgate.gateway.admit import Means
from glmgate.policy.counters import Slot, Taken
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.engine import Call, Caller
from glmgate.wire.terms import Scope, Terms
from tests.fakes.clock import FakeClock
from tests.fakes.counters import FarCounters

SCOPE = Scope("key", "k", Terms(in_flight=1))


async def test_the_end_settles_what_is_under_way() -> None:
    """A store behind a wire is told before it is closed."""
    store = FarCounters(FakeClock())
    call = Call(request_id="r", caller=Caller("k", scopes=(SCOPE,)), surface="openai")
    async with admitting(Means(store, store.clock)) as admission:
        await admission.generation(call, ChatRequest(model="m", messages=[Message(role="user")]), ())
        assert not isinstance(await store.take("other", [Slot("slots:key:k", 1)]), Taken)
        closing = asyncio.create_task(admission.close(call))
        await asyncio.sleep(0)
        closing.cancel()
    assert isinstance(await store.take("other", [Slot("slots:key:k", 1)]), Taken)
