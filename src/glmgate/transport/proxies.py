"""Which proxy a URL is asked through, as a value: settings hand in what the environment says.

Nothing here opens a connection or reads the environment.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit, urlunsplit

from glmgate.errors import SettingsError

_SCHEMES: Final = ("http", "https")
# Of addresses with colons only those in brackets can have a port.
_NAMED_PORT: Final = re.compile(r"(?P<place>[^:\[\]]+|\[.+\]):(?P<port>\d{1,5})", re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Proxies:
    """The proxies for URLs of each scheme, with their credentials in them (None: asked directly).

    `direct` are the places that are asked directly all the same: a host (its subdomains too, with or without a dot
    before it), an address, a network (`10.0.0.0/8`), any of them with `:port`, or `*` for all. This machine is always
    asked directly: no proxy elsewhere could reach it.
    """

    http: str | None = None
    https: str | None = None
    direct: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say; in lower case before upper case.

        Raises SettingsError for a proxy that cannot be used.
        """

        def said(name: str) -> str | None:
            # `HTTP_PROXY` would be a client's header `Proxy` in a CGI program (CVE-2016-5385); we are none.
            return environment.get(name) or environment.get(name.upper()) or None

        every = said("all_proxy")
        direct = tuple(place for entry in (said("no_proxy") or "").split(",") if (place := entry.strip().casefold()))
        return cls(
            http=_usable("http_proxy", said("http_proxy") or every),
            https=_usable("https_proxy", said("https_proxy") or every),
            direct=direct,
        )

    def for_url(self, url: str) -> str | None:
        """The proxy that `url` is asked through; None: directly."""
        if self.http is None and self.https is None:
            return None
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        if proxy is None or self._is_direct(parts):
            return None
        return proxy

    def __repr__(self) -> str:
        """Without the credentials."""
        return f"Proxies(http={_shown(self.http)!r}, https={_shown(self.https)!r}, direct={self.direct!r})"

    def _is_direct(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").casefold().rstrip(".")
        port = parts.port or _PORTS.get(parts.scheme, 0)
        address = _address(host)
        if host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback):
            return True
        return any(_matches(place, host, address, port) for place in self.direct)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _matches(place: str, host: str, address: Address | None, port: int) -> bool:
    if place == "*":
        return True
    if (named := _NAMED_PORT.fullmatch(place)) is not None:
        if int(named["port"]) != port:
            return False
        place = named["place"]
    place = place.strip("[]").removeprefix("*").strip(".")
    if address is None:
        return bool(place) and (host == place or host.endswith(f".{place}"))
    try:
        return address in ipaddress.ip_network(place, strict=False)
    except ValueError:
        return False


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _usable(name: str, proxy: str | None) -> str | None:
    """A proxy's URL, whole. Raises SettingsError, without showing the credentials that may stand in it."""
    if proxy is None:
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    parts = urlsplit(proxy)
    try:
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if parts.scheme not in _SCHEMES:
        raise SettingsError(
            f"The proxy in {name!r} speaks {parts.scheme!r}, but only http and https proxies can be used. "
            f"Name another one, or list the hosts that need none in 'no_proxy'."
        )
    if not complete:
        raise SettingsError(f"The proxy in {name!r} is {_shown(proxy)!r}. Write it as 'http://HOST:PORT'.")
    return proxy


def _shown(proxy: str | None) -> str | None:
    """A proxy's URL without what stands before the `@`."""
    if proxy is None:
        return None
    parts = urlsplit(proxy)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
