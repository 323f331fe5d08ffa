"""The way to an origin, step by step: name, connection, proxy, TLS. For a diagnosis only; requests go by `transport`.

No HTTP request is sent, but for the CONNECT that a proxy needs. What a fault means to a person is not said here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from glmgate.transport import tls

FaultKind = Literal["dns", "refused", "silent", "unreachable", "proxy", "certificate", "tls"]
CertificateFault = Literal["", "expired", "early", "name", "own", "issuer"]

_PORTS: Final = {"http": 80, "https": 443}
# OpenSSL's numbers for why a certificate is not trusted (X509_V_ERR_* in its x509_vfy.h).
_REASONS: Final[dict[int, CertificateFault]] = {
    9: "early",
    10: "expired",
    18: "own",
    19: "own",
    20: "issuer",
    21: "issuer",
    62: "name",
    64: "name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The step that failed, the system's words for it, and for a certificate what is wrong with it."""

    kind: FaultKind
    detail: str
    certificate: CertificateFault = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """A secured connection: its version, who issued the peer's certificate, and until when (Unix seconds)."""

    version: str
    issuer: str
    ends_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A proxy on the way. `authorization` is the header that it wants; `secure`: it is itself spoken to by TLS."""

    host: str
    port: int
    secure: bool = False
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Hop:
        """The proxy at a URL, with user and password as its header (RFC 7617)."""
        parts = urlsplit(url)
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(pair.encode()).decode()}"
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS.get(parts.scheme, 80),
            secure=parts.scheme == "https",
            authorization=authorization,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far one came. Milliseconds; None for a step that was not made.

    With a proxy, `addresses`, `dns_ms` and `connect_ms` are the proxy's: it looks up the origin itself.
    """

    origin: str
    hop: Hop | None = None
    addresses: tuple[str, ...] = ()
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls: Tls | None = None
    fault: Fault | None = None


class _Failed(Exception):
    """A step failed; the reason is its argument."""

    def __init__(self, kind: FaultKind, detail: object, certificate: CertificateFault = "") -> None:
        said = (detail.strerror if isinstance(detail, OSError) else "") or str(detail) or type(detail).__name__
        super().__init__(said)
        self.fault = Fault(kind=kind, detail=said, certificate=certificate)


async def reach(
    origin: str,
    *,
    hop: Hop | None = None,
    context: ssl.SSLContext | None = None,
    timeout_s: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
) -> Reach:
    """Go to an origin (`scheme://host:port`) and leave at once. `timeout_s` holds for each step."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)
    next_host, next_port = (hop.host, hop.port) if hop else (host, port)
    found = Reach(origin=origin, hop=hop)
    try:
        began = clock()
        addresses = await _resolved(next_host, next_port, timeout_s)
        found = replace(found, addresses=addresses, dns_ms=None if _is_address(next_host) else _ms(clock() - began))
        began = clock()
        async with _connected(addresses, next_port, timeout_s, proxied=hop is not None) as streams:
            found = replace(found, connect_ms=_ms(clock() - began))
            # No TLS within TLS here: how far behind a secured proxy one comes shows when somebody is asked.
            if parts.scheme == "https" and not (hop and hop.secure):
                found = replace(found, tls=await _through(*streams, (host, port), hop, context, timeout_s=timeout_s))
    except _Failed as failed:
        return replace(found, fault=failed.fault)
    return found


async def _through(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: tuple[str, int],
    hop: Hop | None,
    context: ssl.SSLContext | None,
    *,
    timeout_s: float,
) -> Tls:
    """TLS with the target, through the proxy where there is one."""
    host, port = target
    if hop is not None:
        await _tunnelled(reader, writer, f"{host}:{port}", hop, timeout_s)
    return await _secured(writer, host, context, timeout_s)


async def _resolved(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(timeout_s):
            rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as exc:
        raise _Failed("dns", f"no answer in {timeout_s:.0f} s") from exc
    except (OSError, UnicodeError) as exc:  # UnicodeError: what is no name at all, such as one with an empty label
        raise _Failed("dns", exc) from exc
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


@asynccontextmanager
async def _connected(
    addresses: tuple[str, ...], port: int, timeout_s: float, *, proxied: bool
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the first address that takes one."""
    reader, writer = await _first(addresses, port, timeout_s, proxied=proxied)
    try:
        yield reader, writer
    except TimeoutError as exc:
        raise _Failed("silent", f"no answer in {timeout_s:.0f} s") from exc
    except (OSError, EOFError) as exc:
        raise _Failed("tls", exc) from exc
    finally:
        # Not `wait_closed`: after a handshake that was given up nobody tells the writer that the connection is lost.
        writer.transport.abort()
        await asyncio.sleep(0)


async def _first(
    addresses: tuple[str, ...], port: int, timeout_s: float, *, proxied: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    failed = _Failed("unreachable", "no address")
    for address in addresses:
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.open_connection(address, port)
        except TimeoutError as exc:
            failed = _Failed("proxy" if proxied else "silent", f"no connection in {timeout_s:.0f} s")
            failed.__cause__ = exc
        except OSError as exc:
            refused: FaultKind = "refused" if isinstance(exc, ConnectionRefusedError) else "unreachable"
            failed = _Failed("proxy" if proxied else refused, exc)
            failed.__cause__ = exc
    raise failed


async def _tunnelled(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, hop: Hop, timeout_s: float
) -> None:
    """Ask the proxy for a connection to `target` (RFC 9110, 9.3.6)."""
    authorization = f"Proxy-Authorization: {hop.authorization}\r\n" if hop.authorization else ""
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n".encode("latin-1"))
    try:
        async with asyncio.timeout(timeout_s):
            head = await reader.readuntil(b"\r\n\r\n")
    except TimeoutError as exc:
        raise _Failed("proxy", f"no answer to CONNECT in {timeout_s:.0f} s") from exc
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as exc:
        raise _Failed("proxy", f"it does not answer CONNECT as a proxy does: {exc}") from exc
    line = head.partition(b"\r\n")[0].decode("latin-1")
    version, _, rest = line.partition(" ")
    if not version.startswith("HTTP/") or not rest.startswith("200"):
        raise _Failed("proxy", f"it answers CONNECT with {line[:100]!r}")


async def _secured(writer: asyncio.StreamWriter, host: str, context: ssl.SSLContext | None, timeout_s: float) -> Tls:
    try:
        async with asyncio.timeout(timeout_s):
            await writer.start_tls(context or tls.context(), server_hostname=host, ssl_handshake_timeout=timeout_s)
    except ssl.SSLCertVerificationError as exc:
        raise _Failed("certificate", exc.verify_message, _REASONS.get(exc.verify_code, "")) from exc
    except TimeoutError as exc:
        raise _Failed("silent", f"no TLS handshake in {timeout_s:.0f} s") from exc
    except OSError as exc:  # ssl.SSLError is one
        raise _Failed("tls", exc) from exc
    link = writer.get_extra_info("ssl_object")
    certificate: dict[str, Any] = link.getpeercert() or {}
    return Tls(
        version=link.version() or "",
        issuer=_issuer(certificate),
        ends_at=ssl.cert_time_to_seconds(certificate["notAfter"]) if "notAfter" in certificate else 0.0,
    )


def _issuer(certificate: dict[str, Any]) -> str:
    names = {name: value for pairs in certificate.get("issuer", ()) for name, value in pairs}
    return str(names.get("organizationName") or names.get("commonName") or "")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
