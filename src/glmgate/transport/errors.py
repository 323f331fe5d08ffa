"""What can go wrong between us and a peer, whatever library carries the bytes.

    TransportError
    ├── ConnectFailed        nobody listens, or the address is wrong: nothing was sent
    │   ├── ConnectTimedOut
    │   ├── NameUnknown      the host's name has no address
    │   ├── ProxyFailed      the proxy cannot be reached, or does not let us through
    │   └── TlsFailed        no TLS, or a certificate that is not trusted
    ├── ConnectionBroken     it ended before the answer did
    ├── ReplyTimedOut        connected, but silent
    │   ├── FirstTimedOut    no head, or nothing after it, in time
    │   ├── IdleTimedOut     too long between two reads
    │   └── TotalTimedOut    the whole took too long
    ├── ReplyUnreadable      not the HTTP that was asked for
    └── ReplyTooLarge        more than we were ready to hold

What these mean to a caller is decided by the engines; nothing here knows an HTTP status of ours.
"""

from __future__ import annotations


class TransportError(Exception):
    """The root: a peer could not be asked, or did not answer as HTTP asks for."""


class ConnectFailed(TransportError):
    """No connection came about, so the peer has seen nothing of the request."""


class ConnectTimedOut(ConnectFailed):
    """No connection came about in time."""


class NameUnknown(ConnectFailed):
    """The host's name has no address here."""


class ProxyFailed(ConnectFailed):
    """The proxy cannot be reached, or does not let us through."""


class TlsFailed(ConnectFailed):
    """The peer speaks no TLS, or its certificate is not trusted."""


class ConnectionBroken(TransportError):
    """The connection ended before the answer did.

    Before any byte of the reply it may have been a kept connection that the peer had just closed; then the peer has
    most likely seen nothing, but nobody can know. Nothing is sent twice here: who asked decides (an upstream's engine
    says `retry`, so that the second call is an attempt of its own, with its slot and its row).
    """


class ReplyTimedOut(TransportError):
    """The peer took too long."""


class FirstTimedOut(ReplyTimedOut):
    """The peer took too long to begin its answer."""


class IdleTimedOut(ReplyTimedOut):
    """The peer was silent for too long within its answer."""


class TotalTimedOut(ReplyTimedOut):
    """The whole exchange took too long."""


class ReplyUnreadable(TransportError):
    """What came back is not the HTTP that was asked for."""


class ReplyTooLarge(TransportError):
    """The answer is larger than the caller of the transport allowed."""
