"""What a server can be told about its HTTP side. Values only; who reads them from where is `glmgate.settings`."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens, whom it lets in, and what it bounds.

    Sizes in bytes, times in seconds. `auth` off is only possible on loopback. `body_timeout_s` is the time that a
    body may take before it has to come at a least rate (`body.MIN_RATE`). `comment_after_s` is the silence after which
    a stream carries a comment. `write_timeout_s` is how long a client may leave a full send buffer untouched.
    `trusted_proxies` are addresses or networks whose X-Forwarded-For counts; `cors_origins` origins of browser pages
    that may call, `*` for all.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    auth: bool = True
    max_head_bytes: int = 64 * 1024
    max_body_bytes: int = 32 * MIB
    total_body_bytes: int = 256 * MIB
    header_timeout_s: float = 10
    body_timeout_s: float = 30
    write_timeout_s: float = 60
    keep_alive_s: float = 75
    comment_after_s: float = 10
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    metrics_public: bool = False
    shutdown_grace_s: float = 30
