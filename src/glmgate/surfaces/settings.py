"""The settings of the HTTP server, section `[server]`: types, defaults and what each means.

Only values live here; `glmgate.settings` reads them from file, environment and flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the server listens, whom it trusts, and what it bears."""

    host: Annotated[str, "Address to listen on."] = "127.0.0.1"
    port: Annotated[int, "TCP port to listen on; 0 takes a free one."] = 8000
    auth: Annotated[bool, "Ask every request for a key; false only on a loopback address."] = True
    max_head_bytes: Annotated[int, "Bytes of the largest request line with its headers; more is answered 431."] = 65536
    max_body_bytes: Annotated[int, "Bytes of the largest request body; larger ones are answered 413."] = 32 * _MIB
    total_body_bytes: Annotated[int, "Bytes of all request bodies held at one time."] = 256 * _MIB
    header_timeout_s: Annotated[float, "Seconds in which a request's head has to arrive."] = 10
    body_timeout_s: Annotated[
        float, "Seconds for a request's body; large ones get more, at 64 KiB for each second."
    ] = 30
    write_timeout_s: Annotated[float, "Seconds for which a client may leave its answer unread."] = 60
    keep_alive_s: Annotated[float, "Seconds for which an idle client connection is kept."] = 75
    comment_after_s: Annotated[float, "Seconds of silence after which a stream carries a comment."] = 10
    trusted_proxies: Annotated[tuple[str, ...], "Addresses or networks whose X-Forwarded-For counts."] = ()
    cors_origins: Annotated[tuple[str, ...], "Origins whose browser pages may call; empty: none, '*': all."] = ()
    metrics_public: Annotated[bool, "Answer /metrics to every address, not only to loopback."] = False
    workers: Annotated[int, "Processes that answer requests behind the one port, with one engine for all of them."] = 1
    drain_s: Annotated[
        float, "Seconds from SIGTERM on in which new connections are still answered, while `/readyz` is 503."
    ] = 0.5
    shutdown_grace_s: Annotated[float, "Seconds that running answers get to finish when the server stops."] = 30
