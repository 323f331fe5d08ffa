"""What a parent hands to its workers: the settings as it has read them, and what it keeps for all of them.

It goes through a socket that only the two of them have, and is on no disk.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from glmgate.app.keeper import Given
from glmgate.engines.upstream.secret import Secret
from glmgate.routing.remote import Known
from glmgate.settings import Settings


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that hold from now on, and the places of their credentials."""

    settings: Settings
    known: Known


@dataclass(frozen=True, slots=True)
class Handover:
    """What a worker begins with. `sockets` are the numbers of the files that it has inherited."""

    change: Change
    given: Given
    sockets: tuple[int, ...]


def packed(value: Handover | Change) -> bytes:
    """The value as bytes."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written, pickle.HIGHEST_PROTOCOL)
    # Here a secret stays within the server; everywhere else it refuses to be written down.
    pickler.dispatch_table = {
        **copyreg.dispatch_table,
        MappingProxyType: lambda view: (_view, (dict(view),)),
        Secret: lambda secret: (Secret, (secret.reveal(),)),
    }
    pickler.dump(value)
    return written.getvalue()


def handover(data: bytes) -> Handover:
    """What `packed` was given."""
    found = _read(data)
    assert isinstance(found, Handover)
    return found


def change(data: bytes) -> Change:
    """What `packed` was given."""
    found = _read(data)
    assert isinstance(found, Change)
    return found


def _read(data: bytes) -> object:
    # Only a parent's own words come here: its end of the pair of sockets is its alone.
    return pickle.loads(data)  # noqa: S301


def _view(proxied: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(proxied)
