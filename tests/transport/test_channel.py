"""Messages over a pair of sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.transport.channel import Channel, opened

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=6), st.integers(1, 40))
def test_messages_are_the_same_however_their_bytes_are_cut(messages: list[Any], size: int) -> None:
    """Each comes once, whole and in its turn."""
    heard: list[Any] = []
    channel = Channel(heard.append, lambda: None)
    packed = [msgspec.msgpack.encode(message) for message in messages]
    data = b"".join(struct.pack("!I", len(each)) + each for each in packed)
    for start in range(0, len(data), size):
        channel.data_received(data[start : start + size])
    assert heard == messages


async def test_both_ends_speak_and_hear_the_end() -> None:
    """What was sent before the end still comes; after it nothing can be sent."""
    here, there = socket.socketpair()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    lost = asyncio.Event()
    first = await opened(here, lambda _: None, lambda: None)
    second = await opened(there, heard.put_nowait, lost.set)
    first.send({"big": b"x" * 300_000})
    first.send("last")
    first.close()
    async with asyncio.timeout(5):
        assert await heard.get() == {"big": b"x" * 300_000}
        assert await heard.get() == "last"
        await lost.wait()
    assert not second.is_open
    second.send("nobody hears it")


async def test_a_message_that_cannot_be_written_is_a_fault_of_who_sends_it() -> None:
    """Nothing half-written reaches the other side."""
    here, there = socket.socketpair()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    first = await opened(here, lambda _: None, lambda: None)
    second = await opened(there, heard.put_nowait, lambda: None)
    with pytest.raises(TypeError):
        first.send(object())
    first.send("right")
    async with asyncio.timeout(5):
        assert await heard.get() == "right"
    first.close()
    second.close()
