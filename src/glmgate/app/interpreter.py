"""The interpreter of a process that serves: how it looks for garbage, and how its threads take turns."""

from __future__ import annotations

import gc
import sys
from typing import Final

SWITCH_S: Final = 0.0001
"""How long a thread that waits for the interpreter lets the running one go on.

The serving thread gives it away for moments, with every read and write, and each time wakes those who wait, who then
come too late; they may insist only after this time without such a moment. With the usual 5 ms that time never comes,
and each statement of the ledger's writer costs requests several vain wakings (docs/adr/0020).
"""


def ready_to_serve() -> None:
    """Everything is open now, and requests come."""
    # What is here now stays: no later search for garbage has to go through it while streams wait.
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)
