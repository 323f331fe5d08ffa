"""Running the application under uvicorn: sockets, limits, signals, a shutdown that lets streams finish.

What is served is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from typing_extensions import override

from glmgate.errors import SettingsError
from glmgate.surfaces.application import Application
from glmgate.surfaces.middleware.loopback import is_loopback_host
from glmgate.surfaces.protocol import BoundedConfig, BoundedProtocol
from glmgate.surfaces.settings import ServerSettings

Ready = Callable[[str, int], None]
"""Called with host and port once requests are answered."""

BACKLOG = 2048

# A second for requests whose connection was just made.
_LOOK_S = 0.02
_LATE_LOOKS = 50


def nothing(host: str, port: int) -> None:
    """A callback that does nothing."""


class Server(uvicorn.Server):
    """uvicorn's server, which tells when it is ready, and ends a wanted shutdown without a signal's exit code.

    It stops in steps: for `drain_s` it answers whoever comes and keeps no connection, then it takes no new ones and
    lets answers finish for `shutdown_grace_s`.
    """

    def __init__(self, config: BoundedConfig, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._bounded = config
        self._drain = config.drain
        self._drain_s = config.bounds.drain_s
        self._drained_at: float | None = None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM drains, SIGINT lets streams finish, and a second SIGINT does not wait for them."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.stop(at_once=sig == signal.SIGINT or self._drain.begun)

    def stop(self, *, at_once: bool) -> None:
        """Stop after the answers under way; `at_once`: take no new connection from now on."""
        self._drain.begin()
        if at_once:
            self.should_exit = True

    @override
    async def on_tick(self, counter: int) -> bool:
        if self._drain.begun and not self.should_exit:
            now = asyncio.get_running_loop().time()
            if self._drained_at is None:
                self._drained_at = now
                for connection in self._connections():
                    connection.send_away()
            self.should_exit = now - self._drained_at >= self._drain_s
        return await super().on_tick(counter)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, but answer those that were made before: a client sees no reset."""
        self._drain.begin()
        await self._close_port(sockets or [])
        for _ in range(_LATE_LOOKS):
            await asyncio.sleep(_LOOK_S)
            if not any(connection.is_asking for connection in self._connections()):
                break
        await super().shutdown([])

    async def _close_port(self, sockets: list[socket.socket]) -> None:
        kept = [each.dup() for each in sockets]
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()
        await asyncio.sleep(0)  # the loop lets go of them now, and what it did not accept is still there
        late = [connection for each in kept for connection in _accepted(each)]
        for connection in late:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return BoundedProtocol(self._bounded, self.server_state, self.lifespan.state)

    def _connections(self) -> list[BoundedProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, BoundedProtocol)]


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """The connections that nobody has accepted yet; the listener is closed before another one can come."""
    found = []
    listener.setblocking(False)  # noqa: FBT003 -- the library's
    with listener, contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)  # noqa: FBT003 -- the library's
            found.append(connection)
    return found


def make(
    application: Application,
    settings: ServerSettings,
    sockets: list[socket.socket],
    *,
    on_ready: Ready = nothing,
) -> Server:
    """A server for sockets that are bound already.

    `await server.serve(sockets)` runs it on the current loop until a signal comes, or until `should_exit` is set.
    """
    host, port = sockets[0].getsockname()[:2]
    config = BoundedConfig(
        application,
        http=BoundedProtocol,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(settings.keep_alive_s),
        timeout_graceful_shutdown=int(settings.shutdown_grace_s),
    )
    config.bounds = settings
    config.drain = application.services.drain
    return Server(config, lambda: on_ready(host, port))


@contextlib.contextmanager
def listening(settings: ServerSettings) -> Iterator[list[socket.socket]]:
    """Sockets at every address of the host, bound before anything is started, so that a taken port costs no start.

    Raises SettingsError when a port is taken, a host is unknown, or a server without keys would be open to others.
    """
    if not settings.auth and not is_loopback_host(settings.host):
        raise SettingsError(
            f"Without keys the server only listens on loopback, not on {settings.host!r}. "
            "Take --no-auth away, or use --host 127.0.0.1."
        )
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(found) for found in _bind(settings.host, settings.port)]


def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as exc:
        raise SettingsError(
            f"The host {host!r} is not known: {exc.strerror}. Give an address, such as 127.0.0.1."
        ) from exc
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(infos):
        here = sockets[0].getsockname()[1] if sockets else port
        try:
            sockets.append(_bound(socket.socket(family, kind, protocol), (address[0], here)))
        except OSError as exc:
            if exc.errno == errno.EADDRNOTAVAIL and len(infos) > 1:
                continue  # a name that also stands for an address this machine does not have, mostly ::1
            for opened in sockets:
                opened.close()
            raise SettingsError(_refusal(exc, host, here)) from exc
    if not sockets:
        raise SettingsError(f"This machine has no address of the host {host!r}. Give another, such as 127.0.0.1.")
    return sockets


def _bound(found: socket.socket, address: tuple[str | int, int]) -> socket.socket:
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if found.family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found


def _refusal(exc: OSError, host: str, port: int) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"Port {port} on {host!r} is taken by another program. Stop that one, or use another with --port."
    if exc.errno == errno.EACCES:
        return f"Port {port} on {host!r} needs privileges. Use one above 1023 with --port."
    return f"Cannot listen on port {port} of {host!r}: {exc.strerror}. Give another --host or --port."
