"""Tests of the gateway's door: who may come from where, which models are shown, and that places are given back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from glmgate.errors import CapacityExceeded, EngineFailed, ModelNotFound, PermissionRefused
from glmgate.gateway.admit import Admission, Means
from glmgate.gateway.gateway import Gateway
from glmgate.policy.counters import MemoryCounters
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Call, Caller
from glmgate.wire.terms import Scope, Terms
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.gateway.requests import FakeObserver, chat

END = (Delta(content="hi", finish_reason="stop", usage=Usage(3, 1)),)


def holder(*, admin: bool = False, **terms: Any) -> Caller:
    """Who has a key with these terms."""
    return Caller("k", scopes=(Scope("key", "k", Terms(**terms)),), admin=admin)


def gateway(caller: Caller, engine: FakeEngine) -> Gateway:
    """A gateway that takes everybody for `caller`."""

    async def identify(_: str | None) -> Caller:
        return caller

    return Gateway(
        identify=identify,
        catalogue=Catalogue([Deployment(name=name, engine=engine, kind="chat") for name in ("glm-4.6", "glm-5")]),
        observer=FakeObserver(),
        clock=FakeClock(),
        admission=Admission(Means(MemoryCounters(clock=FakeClock()), FakeClock())),
    )


def call(caller: Caller) -> Call:
    """A call of that caller."""
    return Call(request_id="r", caller=caller, surface="openai")


async def test_the_door_looks_at_the_key_and_at_the_address() -> None:
    """Before anything is read."""
    caller = holder(addresses=("10.0.0.0/8",))
    there = gateway(caller, FakeEngine())
    assert await there.identify("x", client="10.1.1.1") == caller
    with pytest.raises(PermissionRefused):
        await there.identify("x", client="192.0.2.1")
    with pytest.raises(PermissionRefused):
        await there.identify("x", client="10.1.1.1", admin=True)
    with pytest.raises(PermissionRefused):
        await gateway(holder(admin=True), FakeEngine()).identify("x", client=None)


async def test_only_models_that_may_be_asked_for_are_shown() -> None:
    """In the list, one by one, and when they are asked."""
    caller = holder(models=("glm-4.*",))
    there = gateway(caller, FakeEngine([[END]]))
    assert [card.id for card in there.cards(caller)] == ["glm-4.6"]
    assert there.card(caller, "gpt-4o").answered_by == "glm-4.6"
    with pytest.raises(ModelNotFound):
        there.card(caller, "glm-5")
    with pytest.raises(PermissionRefused):
        async with there.generate(call(caller), chat("glm-5")):
            pass
    async with there.generate(call(caller), chat("gpt-4o")) as answer:
        assert answer.model == "glm-4.6"


@pytest.mark.parametrize("script", [[END], [EngineFailed("x")], [(Delta(content="a"),), EngineFailed("x")]])
async def test_whatever_the_ending_the_place_is_free(script: list[tuple[Delta, ...]]) -> None:
    """At once: whole, failed before the first word, or after it; and where the client left."""
    caller = holder(in_flight=1)
    there = gateway(caller, FakeEngine([script, [END], [END]]))
    with suppress(EngineFailed):
        async with there.generate(call(caller), chat("glm-4.6")) as answer:
            with pytest.raises(CapacityExceeded):
                await there.count(call(caller), TokenizerRequest(model="glm-4.6", messages=chat().messages))
            async for _ in answer.deltas:
                pass
    async with there.generate(call(caller), chat("glm-4.6")):
        pass  # left before the first word
    async with there.generate(replace(call(caller), strict=True), chat("glm-4.6")) as answer:
        assert [deltas async for deltas in answer.deltas] == [END]
