"""`glmgate chat`: a conversation at the terminal, or one question and its answer in a pipe.

The edge: flags, settings, keys, standard input. What follows from them is decided beside it.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from glmgate.cli.chat.conversation import Conversation
from glmgate.cli.chat.failures import ServiceFailed
from glmgate.cli.chat.loop import Loop
from glmgate.cli.chat.place import Given, Place, decide, own_address, own_url
from glmgate.cli.chat.plain import Plain
from glmgate.cli.chat.screen import Screen
from glmgate.cli.chat.service import Service
from glmgate.cli.chat.terminal import Terminal
from glmgate.cli.chat.turn import turn
from glmgate.cli.options import place as place_options
from glmgate.cli.options import read
from glmgate.policy.interfaces import OF_CLIENTS
from glmgate.settings import Settings, variable
from glmgate.storage.master import FILE_NAME, make_folder
from glmgate.transport.aiohttp import AiohttpTransport

_PROBE_S = 1.0


@click.command("chat")
@click.argument("question", required=False)
@click.option("--model", help="The model to talk to [the service's first].")
@click.option("--base-url", help="The service, such as https://api.example.com/v1 [the server of this machine].")
@click.option("--key", help="The key to show there [a key of this machine's server].")
@place_options
def command(
    *,
    question: str | None,
    model: str | None,
    base_url: str | None,
    key: str | None,
    home: Path | None,
    config: Path | None,
) -> None:
    """Talk to a model.

    With QUESTION, or with standard input from a pipe, only the answer is printed.
    """
    settings = read(home, config, secrets=False)
    where = _place(settings, base_url, key)
    if question is None and not sys.stdin.isatty():
        question = sys.stdin.buffer.read().decode(errors="replace")
    if question is not None and not question.strip():
        raise click.UsageError("There is no question: standard input was empty.")
    try:
        with _serviced(where) as (runner, service):
            conversation = Conversation(model or runner.run(_first_model(service)))
            if question is not None:
                _tell(where)
                conversation.ask(question.strip())
                runner.run(turn(conversation, service, Plain()))
            else:
                _talk(conversation, service, runner=runner, where=where, home=settings.home)
    except ServiceFailed as failure:
        raise click.ClickException(str(failure)) from failure


def _talk(conversation: Conversation, service: Service, *, runner: asyncio.Runner, where: Place, home: Path) -> None:
    make_folder(home)
    smart = variable("TERM") not in {None, "dumb"} and sys.stdout.isatty()
    screen = Screen(sys.stdout, size=shutil.get_terminal_size, smart=smart)
    if where.remark:
        screen.say(where.remark)
    screen.say(f"{conversation.model} at {where.base_url} · /help lists the commands, Ctrl-D ends")
    Loop(conversation, service, screen=screen, terminal=Terminal(home), runner=runner).run()


@contextmanager
def _serviced(where: Place) -> Iterator[tuple[asyncio.Runner, Service]]:
    with asyncio.Runner() as runner:

        async def opened() -> AiohttpTransport:
            # A connection for each request: the loop stands still while the person types, and a server that closes an
            # idle connection meanwhile would fail the next question.
            return AiohttpTransport(keep_connections=False)

        transport = runner.run(opened())
        try:
            yield runner, Service(transport, where)
        finally:
            runner.run(transport.aclose())


async def _first_model(service: Service) -> str:
    models = await service.models()
    if not models:
        raise ServiceFailed("The service lists no model that chats: name one with --model.")
    return models[0]


def _place(settings: Settings, base_url: str | None, key: str | None) -> Place:
    host, port = settings.server.host, settings.server.port
    given = Given(
        base_url=base_url,
        key=key,
        environment_url=variable("OPENAI_BASE_URL"),
        environment_key=variable("OPENAI_API_KEY"),
    )
    answers = base_url is not None or _listens(*own_address(host, port))
    where = decide(given, own=own_url(host, port), own_answers=answers)
    if where.local and where.key is None:
        return replace(where, key=asyncio.run(_own_key(settings)))
    return where


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), _PROBE_S).close()
    except OSError:
        return False
    return True


async def _own_key(settings: Settings) -> str | None:
    """The first live key of the home that asks models; None where there is none, or no server has ever run."""
    if settings.master_key is None and not (settings.home / FILE_NAME).is_file():
        return None  # opening would make a master key and a database
    from glmgate.storage.accounts import open_accounts  # noqa: PLC0415 -- SQL, which another service's user need not load

    accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    try:
        keys = await accounts.keyring.keys(OF_CLIENTS)
        live = next((each for each in keys if each.state(time.time()) == "live"), None)
        return None if live is None else accounts.keyring.text(live)
    finally:
        await accounts.aclose()


def _tell(where: Place) -> None:
    if where.remark:
        click.echo(where.remark, err=True)
