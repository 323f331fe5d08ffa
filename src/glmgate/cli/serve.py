"""`glmgate serve`: starts the server, and says what it is about.

Flags become settings, the program built from them is `glmgate.app`; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import signal
import sys
import time
from pathlib import Path

import click
import uvloop

from glmgate.app import App, Reread, opened
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
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, log, reread=lambda: read(home, config, flags=flags)))


async def _serve(settings: Settings, log: LineWriter, *, reread: Reread) -> None:
    with listening(settings.server) as sockets:
        async with opened(settings, lost_lines=lambda: log.lost, reread=reread) as app:
            key_ids = await _live_keys(app)
            # As of every other server: SIGHUP asks for the settings to be read again.
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reloads.ask)

            def ready(host: str, port: int) -> None:
                # What is here now stays: no later search for garbage has to go through it while streams wait.
                gc.freeze()
                click.echo(banner(_facts(settings, app, key_ids=key_ids, address=(host, port))))

            await make(app.http, settings.server, sockets, on_ready=ready).serve(sockets)


async def _live_keys(app: App) -> tuple[str, ...]:
    keys = await app.accounts.keyring.keys(OF_CLIENTS) if app.accounts else ()
    return tuple(key.id for key in keys if key.state(time.time()) == "live")


def _facts(settings: Settings, app: App, *, key_ids: tuple[str, ...], address: tuple[str, int]) -> Facts:
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


def _usual(app: App) -> str:
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
