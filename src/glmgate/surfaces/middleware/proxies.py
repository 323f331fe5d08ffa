"""Who really asks, when proxies stand between: only those that are trusted may say so.

What is then allowed to whom is decided elsewhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from glmgate.errors import SettingsError
from glmgate.surfaces.asgi import App, Receive, Scope, Send, joined
from glmgate.surfaces.request import request_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_FORWARDING = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-forwarded-host", b"via")
"""A proxy leaves at least one of these, so a peer on loopback that sends one speaks for somebody else."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """Sets the request's client, scheme, and whether it comes from this machine."""

    app: App
    trusted: tuple[Network, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request = request_of(scope)
        peer = address(scope["client"][0]) if scope.get("client") else None
        client = peer
        is_forwarded = any(name in request.headers for name in _FORWARDING)
        if peer is not None and self._trusts(peer):
            chain = joined(scope["headers"], b"x-forwarded-for")
            client = self._client(peer, chain)
            request.scheme = _scheme(joined(scope["headers"], b"x-forwarded-proto")) or request.scheme
            is_forwarded = is_forwarded and not chain
        request.client = None if client is None else str(client)
        request.is_local = client is not None and client.is_loopback and not is_forwarded
        await self.app(scope, receive, send)

    def _trusts(self, peer: Address) -> bool:
        return any(peer in network for network in self.trusted)

    def _client(self, peer: Address, chain: str) -> Address | None:
        """The last address of the chain that no trusted proxy has.

        What stands left of it was written by whoever asked. None when that address cannot be read.
        """
        client: Address | None = peer
        for hop in reversed([part.strip() for part in chain.split(",") if part.strip()]):
            client = address(hop)
            if client is None or not self._trusts(client):
                break
        return client


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.0/8`) as values. Raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as exc:
        raise SettingsError(f"server.trusted_proxies: {exc}. Give addresses or networks like '10.0.0.0/8'.") from exc


def address(text: str) -> Address | None:
    """`text` as an address (a port, brackets and a zone are left out), or None. IPv4 inside IPv6 is IPv4."""
    host = text.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _scheme(chain: str) -> str | None:
    last = chain.rpartition(",")[2].strip().lower()
    return last if last in {"http", "https"} else None
