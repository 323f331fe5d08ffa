"""The child process: `python -m glmgate.engines.embedded.child` serves one model until its standard input ends.

Imports nothing of ours and little else, because it starts for every model; all decisions are made by its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1


def apply(target: object, values: dict[str, Any]) -> list[str]:
    """Set the attributes that `values` names (dotted), and return the names that `target` does not have."""
    unknown = []
    for name, value in values.items():
        owner = target
        *path, last = name.split(".")
        for part in path:
            owner = getattr(owner, part, None)
        if hasattr(owner, last):
            setattr(owner, last, value)
        else:
            unknown.append(name)
    return unknown


def die_with(parent: int) -> None:
    """Ask Linux to kill this process when its parent ends, even by SIGKILL and even while a model is loading."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(0)


def serve() -> None:
    """Read the configuration, load the model, say READY, and live as long as the parent does."""
    # A terminal's Ctrl-C and systemd's stop reach every process of the group; only the parent may decide when this one
    # ends, after its streams: it closes our standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    config = json.loads(sys.stdin.readline())
    die_with(config["parent"])
    # ggml's OpenMP threads spin while they wait; on a busy machine that costs up to everything (engine facts,
    # "Threads"). OpenMP reads this when the library is loaded.
    os.putenv("OMP_WAIT_POLICY", "passive")
    # Here, so that a parent without the library gets its reason from `availability`, not from a traceback.
    import xllamacpp  # noqa: PLC0415

    values: dict[str, Any] = config["parameters"]
    if "pooling_type" in values:
        values["pooling_type"] = getattr(xllamacpp.llama_pooling_type, values["pooling_type"])
    parameters = xllamacpp.CommonParams()
    unknown = apply(parameters, values)
    server = xllamacpp.Server(parameters)  # noqa: F841 # serves for as long as it exists
    sys.stdout.write("READY " + json.dumps({"unknown": unknown}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    # There is nothing to save, and taking the server down in order waits for its clients (10.9 s, engine facts 3).
    os._exit(0)


if __name__ == "__main__":
    serve()
