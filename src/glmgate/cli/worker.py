"""A worker's process: `python -m glmgate.cli.worker FILE`, started by `glmgate serve` and by nobody else.

FILE is the number of the file that its channel to the server is.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import uvloop

from glmgate.app.worker import WorkerFailed, work
from glmgate.telemetry.log import configure


def main() -> None:
    """Answer requests until the server says stop."""
    # A terminal tells the whole group; what it means to workers is their parent's to say. While they answer requests,
    # SIGTERM and SIGINT end one of them well, and another takes its place.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(end, lambda settings: configure(settings.log, stream=sys.stderr)))
    except WorkerFailed:
        sys.exit(1)


if __name__ == "__main__":
    main()
