"""What is wrong with a file of weights.

Raised where files are read at start; what a client sees of it is decided by the engines.
"""

from __future__ import annotations

from glmgate.errors import GlmgateError


class WeightsUnreadable(GlmgateError):
    """A file is missing, no GGUF, cut off, or claims impossible sizes. `message` says which and what to do."""
