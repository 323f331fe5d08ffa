"""Messages between two processes of ours, over one socket that both were given: MessagePack, each behind its length.

What the messages mean is not known here (`peers`).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec
from typing_extensions import override

_LENGTH: Final = struct.Struct("!I")
_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder().decode

Receive = Callable[[Any], None]


class Channel(asyncio.Protocol):
    """One end. `receive` gets each message, `lost` is called once, when the other end is gone or this one was closed.

    Both processes are ours, so a message is as long as it is; who is slow to read makes the other one's memory grow.
    """

    def __init__(self, receive: Receive, lost: Callable[[], None]) -> None:
        self._receive = receive
        self._lost = lost
        self._rest = bytearray()
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: object) -> None:
        """Send a message; it is lost where the other end is gone."""
        if self._transport is not None and not self._transport.is_closing():
            data = _ENCODE(message)
            self._transport.write(_LENGTH.pack(len(data)) + data)

    def close(self) -> None:
        """Send what waits to be sent, and close."""
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    @override
    def data_received(self, data: bytes) -> None:
        rest = self._rest
        rest += data
        start = 0
        while len(rest) >= start + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(rest, start)
            end = start + _LENGTH.size + length
            if len(rest) < end:
                break
            message = _DECODE(bytes(rest[start + _LENGTH.size : end]))
            start = end
            self._receive(message)
        del rest[:start]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()


async def opened(end: socket.socket, receive: Receive, lost: Callable[[], None]) -> Channel:
    """A channel over this end of a pair of sockets, which is the channel's from now on."""
    end.setblocking(False)  # noqa: FBT003 -- the library's
    channel = Channel(receive, lost)
    await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=end)
    return channel
