"""The transport on aiohttp, over TCP (with TLS and proxies) or over one UNIX socket.

The only module that knows aiohttp; its exceptions end here, in `MAPPED`.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aiohttp
from aiohttp.client_exceptions import UnixClientConnectorError, UploadAbortedError

from glmgate.transport import errors, tls
from glmgate.transport.interfaces import Outgoing, Reply, StreamedReply, Timeouts
from glmgate.transport.proxies import Proxies

# The most specific class of an exception's ancestry that stands here wins. A test fails when aiohttp gains an
# exception that is not in this table.
MAPPED: Final[Mapping[type[BaseException], type[errors.TransportError]]] = MappingProxyType(
    {
        aiohttp.ClientError: errors.ConnectionBroken,
        aiohttp.ClientConnectionError: errors.ConnectionBroken,
        aiohttp.ClientConnectionResetError: errors.ConnectionBroken,
        aiohttp.ClientOSError: errors.ConnectionBroken,
        aiohttp.ServerConnectionError: errors.ConnectionBroken,
        aiohttp.ServerDisconnectedError: errors.ConnectionBroken,
        aiohttp.ClientPayloadError: errors.ConnectionBroken,
        UploadAbortedError: errors.ConnectionBroken,
        aiohttp.ClientConnectorError: errors.ConnectFailed,
        aiohttp.ClientConnectorDNSError: errors.NameUnknown,
        UnixClientConnectorError: errors.ConnectFailed,
        aiohttp.ClientProxyConnectionError: errors.ProxyFailed,
        aiohttp.ClientConnectorSSLError: errors.TlsFailed,
        aiohttp.ClientConnectorCertificateError: errors.TlsFailed,
        aiohttp.ClientSSLError: errors.TlsFailed,
        aiohttp.ServerFingerprintMismatch: errors.TlsFailed,
        aiohttp.InvalidURL: errors.ConnectFailed,
        aiohttp.InvalidUrlClientError: errors.ConnectFailed,
        aiohttp.InvalidUrlRedirectClientError: errors.ConnectFailed,
        aiohttp.NonHttpUrlClientError: errors.ConnectFailed,
        aiohttp.NonHttpUrlRedirectClientError: errors.ConnectFailed,
        aiohttp.RedirectClientError: errors.ReplyUnreadable,
        aiohttp.ConnectionTimeoutError: errors.ConnectTimedOut,
        aiohttp.ServerTimeoutError: errors.IdleTimedOut,
        aiohttp.SocketTimeoutError: errors.IdleTimedOut,
        aiohttp.ClientResponseError: errors.ReplyUnreadable,
        aiohttp.ClientHttpProxyError: errors.ProxyFailed,
        aiohttp.ContentTypeError: errors.ReplyUnreadable,
        aiohttp.TooManyRedirects: errors.ReplyUnreadable,
        aiohttp.WSServerHandshakeError: errors.ReplyUnreadable,
        ConnectionError: errors.ConnectionBroken,
    }
)


_NO_PROXIES: Final = Proxies()
# What stands before the `@` of a URL in an exception's text: a proxy's credentials.
_CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")


class AiohttpTransport:
    """Requests over aiohttp; `socket` makes all of them go to one UNIX socket (the URL's host is then a mere name).

    With `keep_connections` false each request has a connection of its own and tells the peer so. `proxies` says what
    is asked through which proxy. Certificates are always checked; `authorities` is a PEM file of further ones that are
    trusted beside the system's. Must be made and closed inside a running event loop.

    No POST is ever sent twice here (see `errors.ConnectionBroken`).
    """

    def __init__(
        self,
        *,
        socket: Path | None = None,
        keep_connections: bool = True,
        proxies: Proxies = _NO_PROXIES,
        authorities: Path | None = None,
    ) -> None:
        self._proxies = proxies
        # No limit here: how many calls are in flight is decided by slots, not by the pool.
        self._session = aiohttp.ClientSession(
            connector=(
                aiohttp.TCPConnector(limit=0, force_close=not keep_connections, ssl=_trust(authorities))
                if socket is None
                else aiohttp.UnixConnector(str(socket), limit=0, force_close=not keep_connections)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers=None if keep_connections else {"Connection": "close"},
        )

    @asynccontextmanager
    async def stream(self, request: Outgoing) -> AsyncIterator[StreamedReply]:
        """POST, and read the reply as it arrives. Leaving the context closes the connection at once."""
        async with self._exchange("POST", request) as reply:
            yield reply

    @asynccontextmanager
    async def fetch(self, request: Outgoing) -> AsyncIterator[StreamedReply]:
        """GET, and read the reply as it arrives. Leaving the context closes the connection at once."""
        async with self._exchange("GET", request) as reply:
            yield reply

    async def post(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """POST, and read the whole reply."""
        return await self._whole("POST", request, max_bytes)

    async def get(self, request: Outgoing, *, max_bytes: int) -> Reply:
        """GET, and read the whole reply."""
        return await self._whole("GET", request, max_bytes)

    async def aclose(self) -> None:
        """Close all connections. Nothing may be on its way any more: aiohttp leaves who still reads waiting."""
        await self._session.close()

    async def _whole(self, method: str, request: Outgoing, max_bytes: int) -> Reply:
        async with self._exchange(method, request) as reply:
            return Reply(reply.status, reply.headers, await reply.whole(max_bytes))

    @asynccontextmanager
    async def _exchange(self, method: str, request: Outgoing) -> AsyncIterator[_AiohttpReply]:
        deadline = Deadline(request.timeouts)
        response = await self._head(method, request, deadline)
        reply = _AiohttpReply(response, deadline)
        try:
            yield reply
        finally:
            # `close` ends the connection whatever is still on its way, `release` gives a whole one back to the pool.
            if reply.at_end:
                response.release()
            else:
                response.close()

    async def _head(self, method: str, request: Outgoing, deadline: Deadline) -> aiohttp.ClientResponse:
        with _mapped():
            async with deadline.first():
                return await self._session.request(
                    method,
                    request.url,
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    proxy=self._proxies.for_url(request.url),
                    # `connect` and not `sock_connect`: the look-up of the name and a proxy's answer count, too.
                    timeout=aiohttp.ClientTimeout(total=None, connect=request.timeouts.connect_s),
                )


class Deadline:
    """When each wait of an exchange has to end."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._idle_s = timeouts.idle_s
        self._first_ends = None if timeouts.first_s is None else now + timeouts.first_s
        self._total_ends = None if timeouts.total_s is None else now + timeouts.total_s

    def first(self) -> AbstractAsyncContextManager[None]:
        """Bound a wait for the head or for the first bytes after it."""
        return self._until(self._first_ends, errors.FirstTimedOut)

    def idle(self) -> AbstractAsyncContextManager[None]:
        """Bound a wait between two reads."""
        ends = None if self._idle_s is None else self._loop.time() + self._idle_s
        return self._until(ends, errors.IdleTimedOut)

    @asynccontextmanager
    async def _until(self, ends: float | None, otherwise: type[errors.TransportError]) -> AsyncIterator[None]:
        kind = otherwise
        if self._total_ends is not None and (ends is None or self._total_ends < ends):
            kind, ends = errors.TotalTimedOut, self._total_ends
        try:
            async with asyncio.timeout_at(ends):
                yield
        except aiohttp.ClientError:  # some of them are TimeoutErrors of their own
            raise
        except TimeoutError as exc:
            raise kind("the peer took too long") from exc


class _AiohttpReply:
    """A reply on its way."""

    def __init__(self, response: aiohttp.ClientResponse, deadline: Deadline) -> None:
        self._response = response
        self._deadline = deadline
        self._begun = False
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def at_end(self) -> bool:
        """True when the whole body was read."""
        return self._response.content.at_eof()

    async def pieces(self) -> AsyncIterator[bytes]:
        while piece := await self._read():
            yield piece

    async def whole(self, max_bytes: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > max_bytes:
                raise errors.ReplyTooLarge(f"the reply is larger than {max_bytes} bytes")
            parts.append(piece)
        return b"".join(parts)

    async def _read(self) -> bytes:
        with _mapped():
            async with self._deadline.idle() if self._begun else self._deadline.first():
                piece = await self._response.content.readany()
        self._begun = True
        return piece


def mapped(exc: BaseException) -> type[errors.TransportError]:
    """The error of ours that an exception of aiohttp's is."""
    return next(MAPPED[kind] for kind in type(exc).__mro__ if kind in MAPPED)


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, ConnectionError) as exc:
        said = _CREDENTIALS.sub("//", str(exc))
        # A cause that shows a proxy's password would stand in tracebacks.
        cause = exc if said == str(exc) else None
        raise mapped(exc)(f"{type(exc).__name__}: {said}") from cause


def _trust(authorities: Path | None) -> ssl.SSLContext | bool:
    """Without a file aiohttp's own context does the same checks, and is made once for all transports."""
    return True if authorities is None else tls.context(authorities)
