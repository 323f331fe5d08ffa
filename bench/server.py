"""The real server on a free port, which also tells how its engine's child is reached: both sides of a comparison.

Run as a process of its own (`python -m bench.server MODEL PARALLEL`); it ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import uvloop

from bench.streams import Target
from glmgate.app import opened
from glmgate.engines.embedded.spec import LocalModel
from glmgate.settings import load
from glmgate.surfaces.server import listening, make
from glmgate.telemetry.log import configure


@contextmanager
def served(model: Path, *, parallel: int) -> Iterator[tuple[Target, Target]]:
    """The way through glmgate, and the way to the same child without it, while the block runs."""
    command = [sys.executable, "-m", "bench.server", str(model), str(parallel)]
    with Popen(command, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield (
            Target("glmgate", told["key"], port=told["port"]),
            Target("bare child", told["child_key"], socket=Path(told["child_socket"])),
        )
        process.stdin.close()


async def _serve(model: Path, parallel: int, home: Path) -> None:
    settings = load(
        environment={},
        home=home,
        models=(model,),
        flags={("server", "port"): 0, ("engine", "parallel"): parallel, ("log", "level"): "warning"},
    )
    with listening(settings.server) as sockets, open(home / "log", "w", encoding="utf-8") as log:  # noqa: PTH123, ASYNC230
        configure(settings.log, stream=log)
        async with opened(settings) as app, app.supervisor.lease(LocalModel(model.stem, model)) as running:
            told = {"key": app.first_key, "child_key": running.endpoint.key, "child_socket": _socket_of(running.pid)}

            def ready(_: str, port: int) -> None:
                sys.stdout.write(json.dumps(told | {"port": port}) + "\n")
                sys.stdout.flush()

            server = make(app.http, settings.server, sockets, on_ready=ready)
            asyncio.get_running_loop().add_reader(sys.stdin, lambda: setattr(server, "should_exit", True))
            await server.serve(sockets)


def _socket_of(pid: int) -> str:
    """The path of the UNIX socket that a process listens on, from the kernel's tables."""
    open_files = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {name.removeprefix("socket:[").removesuffix("]") for name in open_files if name.startswith("socket:[")}
    for line in Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()[1:]:
        columns = line.split()
        if len(columns) == 8 and columns[6] in inodes:
            return columns[7]
    raise RuntimeError(f"process {pid} listens on no UNIX socket")


def main() -> None:
    """Serve until standard input ends."""
    with tempfile.TemporaryDirectory() as home:
        uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), Path(home)))


if __name__ == "__main__":
    main()
