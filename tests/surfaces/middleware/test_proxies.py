"""Who really asks."""

from __future__ import annotations

import pytest

from glmgate.errors import SettingsError
from glmgate.surfaces.asgi import Receive, Scope, Send
from glmgate.surfaces.middleware.proxies import Proxies, address, networks
from glmgate.surfaces.request import Request, begin, request_of

TRUSTED = ("10.0.0.0/8", "127.0.0.1", "::1")


async def _resolved(peer: str, trusted: tuple[str, ...] = TRUSTED, **headers: str) -> Request:
    found: list[Request] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(request_of(scope))

    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": pairs, "client": (peer, 1)}
    begin(scope)
    await Proxies(app, networks(trusted))(scope, None, None)  # type: ignore[arg-type]  # neither is used
    return found[0]


async def test_stranger_may_not_say_who_it_is() -> None:
    """X-Forwarded-For of a peer that is not trusted is a claim."""
    request = await _resolved("203.0.113.9", x_forwarded_for="127.0.0.1", x_forwarded_proto="https")
    assert (request.client, request.scheme, request.is_local) == ("203.0.113.9", "http", False)


async def test_trusted_proxy_says_who_asks() -> None:
    """Address and scheme are those that the proxy saw."""
    request = await _resolved("10.1.2.3", x_forwarded_for="198.51.100.7", x_forwarded_proto="https")
    assert (request.client, request.scheme) == ("198.51.100.7", "https")


async def test_chain_is_read_from_its_end() -> None:
    """What a client wrote before the first trusted proxy does not count."""
    request = await _resolved("10.1.2.3", x_forwarded_for="127.0.0.1, 198.51.100.7, 10.9.9.9")
    assert request.client == "198.51.100.7"
    assert not request.is_local


async def test_chain_of_trusted_proxies_begins_at_its_first() -> None:
    """A call from inside."""
    assert (await _resolved("10.1.2.3", x_forwarded_for="10.7.7.7, 10.9.9.9")).client == "10.7.7.7"


async def test_unreadable_hop_is_nobody() -> None:
    """An address that cannot be read gets no right of any address."""
    request = await _resolved("127.0.0.1", x_forwarded_for="unknown")
    assert (request.client, request.is_local) == (None, False)


async def test_peer_on_loopback_is_local() -> None:
    """A program of this machine."""
    assert (await _resolved("127.0.0.1", ())).is_local
    assert (await _resolved("::ffff:127.0.0.1", ())).is_local


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "via", "x_real_ip"])
async def test_unknown_proxy_on_loopback_is_not_local(header: str) -> None:
    """A reverse proxy on this machine speaks for others, also when nobody told us of it."""
    assert not (await _resolved("127.0.0.1", (), **{header: "1.1 proxy"})).is_local


async def test_trusted_proxy_on_loopback_speaks_for_its_client() -> None:
    """Local for a local client only."""
    assert not (await _resolved("127.0.0.1", x_forwarded_for="198.51.100.7")).is_local
    assert (await _resolved("127.0.0.1", x_forwarded_for="::1")).is_local


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1"),
        ("[2001:db8::1]:8080", "2001:db8::1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("example.org", "None"),
        ("", "None"),
    ],
)
def test_addresses_are_read_in_their_forms(text: str, expected: str) -> None:
    """As proxies write them."""
    assert str(address(text)) == expected


def test_wrong_network_stops_the_start() -> None:
    """The message names the setting and the value."""
    with pytest.raises(SettingsError, match=r"trusted_proxies.*'10.0.0.0/99'"):
        networks(["10.0.0.0/99"])
