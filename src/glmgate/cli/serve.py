"""`glmgate serve`: starts the server, and says what it is about.

Flags become settings, the program built from them is `glmgate.app`; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from glmgate.app import App, Parent, Reread, Workers, opened, parenting
from glmgate.app.interpreter import ready_to_serve
from glmgate.cli.banner import Facts, ServedModel, Upstream, banner
from glmgate.cli.choosing import with_chosen
from glmgate.cli.models import REMARKS
from glmgate.cli.options import place, read
from glmgate.policy.interfaces import OF_CLIENTS
from glmgate.routing.catalogue import Deployment
from glmgate.settings import Settings, UpstreamSettings
from glmgate.surfaces.server import listening, make
from glmgate.telemetry.log import LineWriter, configure
from glmgate.weights.builtin import CHAT_NAME

# What a worker may need after its answers: writing to the database what waits to be written.
_CLOSING_S: Final = 20.0


@click.command("serve")
@click.option("--host", help="The address to listen on [127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 takes a free one [8000].")
@click.option(
    "--model", "models", metavar="NAME|FILE", multiple=True, help="A model to put first: a GGUF file, or one to pull."
)
@click.option("-y", "--yes", is_flag=True, help="Pull a model that is not here without asking.")
@click.option("--ctx", type=click.IntRange(1), help="Tokens per request, prompt and answer [the model's own].")
@click.option("--parallel", type=click.IntRange(1), help="Requests that a model answers at the same time [4].")
@click.option("--threads", type=click.IntRange(1), help="Threads per model.")
@click.option("--gpu-layers", type=click.IntRange(0), help="Layers on the GPU [all, where there is one].")
@click.option("--local", is_flag=True, help="Use no service whose key is in the environment.")
@click.option("--no-auth", is_flag=True, help="Ask for no key; on loopback only.")
@click.option("--strict-models", is_flag=True, help="Know only the names of models that really answer.")
@click.option("--no-openai-aliases", is_flag=True, help="Do not know OpenAI's model names.")
@click.option("--workers", type=click.IntRange(1), help="Processes that answer requests behind the one port [1].")
@click.option("--log-format", type=click.Choice(["auto", "json", "console"]), help="How the log is written [auto].")
@click.option("-v", "--verbose", is_flag=True, help="Write more into the log.")
@place
def command(
    *,
    host: str | None,
    port: int | None,
    models: tuple[str, ...],
    yes: bool,
    ctx: int | None,
    parallel: int | None,
    threads: int | None,
    gpu_layers: int | None,
    local: bool,
    no_auth: bool,
    strict_models: bool,
    no_openai_aliases: bool,
    workers: int | None,
    log_format: str | None,
    verbose: bool,
    home: Path | None,
    config: Path | None,
) -> None:
    """Start the server."""
    flags: dict[tuple[str, str], object] = {
        ("server", "host"): host,
        ("server", "port"): port,
        ("server", "auth"): False if no_auth else None,
        ("server", "workers"): workers,
        ("engine", "context"): ctx,
        ("engine", "parallel"): parallel,
        ("engine", "threads"): threads,
        ("engine", "gpu_layers"): gpu_layers,
        ("routing", "environment"): False if local else None,
        ("aliases", "strict_models"): strict_models or None,
        ("aliases", "openai"): False if no_openai_aliases else None,
        ("log", "format"): log_format,
        ("log", "level"): "debug" if verbose else None,
    }
    settings = with_chosen(read(home, config, flags=flags), models, yes=yes)
    log = configure(settings.log, stream=sys.stderr)
    serve = _serve if settings.server.workers == 1 else _serve_by_workers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, log, lambda: read(home, config, flags=flags)))


async def _serve(settings: Settings, log: LineWriter, reread: Reread) -> None:
    with listening(settings.server) as sockets:
        async with opened(settings, lost_lines=lambda: log.lost, reread=reread) as app:
            key_ids = await _live_keys(app)
            # As of every other server: SIGHUP asks for the settings to be read again.
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reloads.ask)

            def ready(host: str, port: int) -> None:
                ready_to_serve()
                click.echo(banner(_facts(settings, app, key_ids=key_ids, address=(host, port))))

            await make(app.http, settings.server, sockets, on_ready=ready).serve(sockets)


async def _serve_by_workers(settings: Settings, log: LineWriter, reread: Reread) -> None:
    command = (sys.executable, "-P", "-m", "glmgate.cli.worker")
    with listening(settings.server) as sockets:
        async with parenting(settings, sockets, command, lost_lines=lambda: log.lost, reread=reread) as parent:
            stops = _Stops(parent.workers)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, parent.reloads.ask)
            if await stops.unless_stopped(parent.workers.start()):
                ready_to_serve()
                key_ids = await _live_keys(parent)
                host, port = sockets[0].getsockname()[:2]
                click.echo(banner(_facts(settings, parent, key_ids=key_ids, address=(host, port))))
                await stops.asked.wait()
            # While this process holds the sockets, clients come in whom no worker will answer any more.
            for each in sockets:
                each.close()
            server = settings.server
            within_s = server.drain_s + server.shutdown_grace_s + _CLOSING_S
            await parent.workers.stop(at_once=stops.at_once, within_s=within_s)


class _Stops:
    """SIGTERM drains, SIGINT lets answers finish, a second SIGINT does not wait for them."""

    def __init__(self, workers: Workers) -> None:
        self.asked = asyncio.Event()
        self.at_once = False
        self._workers = workers
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGINT, self._stop, signal.SIGINT)

    async def unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether `work` came to its end before the signal; what it raises is raised."""
        task, asked = asyncio.create_task(work), asyncio.create_task(self.asked.wait())
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            return False
        task.result()
        return True

    def _stop(self, number: signal.Signals) -> None:
        if self.asked.is_set() and number == signal.SIGINT:
            self._workers.hurry()
        self.at_once = self.at_once or number == signal.SIGINT
        self.asked.set()


async def _live_keys(app: App | Parent) -> tuple[str, ...]:
    keys = await app.accounts.keyring.keys(OF_CLIENTS) if app.accounts else ()
    return tuple(key.id for key in keys if key.state(time.time()) == "live")


def _facts(settings: Settings, app: App | Parent, *, key_ids: tuple[str, ...], address: tuple[str, int]) -> Facts:
    served = app.catalogue.deployments
    chat = next((each for each in served if each.kind == "chat"), None)
    names = "GLM and OpenAI" if settings.aliases.openai else "GLM"
    found = app.reloads.settings.found  # without keys of our own
    return Facts(
        host=address[0],
        port=address[1],
        auth=settings.server.auth,
        new_key=app.first_key,
        key_ids=key_ids,
        models=tuple(
            ServedModel(
                name=each.name,
                kind=each.kind,
                remark=_remark(each),
                aliases=each.aliases,
                stands_in=app.catalogue.may_stand_in(each),
            )
            for each in served
        ),
        engine="embedded: llama.cpp, a process for each model",
        engine_missing=app.engine_missing,
        stand_ins="" if settings.aliases.strict_models else names,
        demonstration=chat is not None and chat.name == CHAT_NAME,
        program=_program(),
        upstreams=tuple(_upstream(each) for each in settings.upstreams),
        environment=tuple(
            Upstream(name=each.upstream.name, base_url=each.upstream.base_url, variable=each.variable) for each in found
        ),
        usual=_usual(app),
    )


def _remark(deployment: Deployment) -> str:
    return f"by {deployment.owned_by}" if deployment.rank == "route" else REMARKS.get(deployment.name, "")


def _upstream(settings: UpstreamSettings) -> Upstream:
    return Upstream(name=settings.name, base_url=settings.base_url, credentials=len(settings.credentials))


def _usual(app: App | Parent) -> str:
    """The model that an example asks for, where a service in the environment answers."""
    elsewhere = app.catalogue.elsewhere
    if elsewhere is None or any(each.kind == "chat" and each.rank == "local" for each in app.catalogue.deployments):
        return ""
    usual = elsewhere.usual("chat")
    return "" if usual is None else usual.name


def _program() -> str:
    """How to call this program from here: by its name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    if called.name != "glmgate" or shutil.which("glmgate") == str(called.absolute()):
        return "glmgate"
    return str(called)
