"""What is wrong with a file of weights, and why one could not be fetched.

Raised where files are read at start and by commands; what a client sees of it is decided by the engines.
"""

from __future__ import annotations

from glmgate.errors import GlmgateError


class WeightsUnreadable(GlmgateError):
    """A file is missing, no GGUF, cut off, or claims impossible sizes. `message` says which and what to do."""


class UnknownModel(GlmgateError):
    """Neither the catalogue nor the folder of models has this name. `message` names the nearest one."""


class PullFailed(GlmgateError):
    """A file could not be fetched, and trying again at once would not help. `message` says why and what to do."""


class HubTrouble(Exception):
    """A hub could not answer just now. `retry_after_s` is what it asked for, in seconds; None where it said nothing."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class RangeRefused(HubTrouble):
    """The hub does not go on from where a part ends."""
