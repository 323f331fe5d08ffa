"""`glmgate top`: requests under way, slots, queues and tokens of a running server.

The edge: flags, settings and the terminal. What is shown is decided beside it.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import click

from glmgate.cli.chat.place import own_url
from glmgate.cli.options import place, read
from glmgate.cli.top import fetching
from glmgate.cli.top.live import Terminal, keys_at_once, run
from glmgate.cli.top.view import Look, lines
from glmgate.settings import variable


@click.command("top")
@click.option("--once", is_flag=True, help="Show it once and end; so it does where it is not on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print what the server says, as JSON, once.")
@click.option("--url", help="The server, such as https://gate.example.com [the one of the settings].")
@click.option("--key", help="An administrator's key, which a server elsewhere asks for.")
@place
def command(
    *, once: bool, as_json: bool, url: str | None, key: str | None, home: Path | None, config: Path | None
) -> None:
    """Show what a running server is doing.

    Keys: q ends, the arrows left and right sort by another column, up and down turn the order around.
    """
    settings = read(home, config, secrets=False)
    base = url or own_url(settings.server.host, settings.server.port).removesuffix("/v1")
    fetch = functools.partial(fetching.fetch, base, key, by_settings=url is None)
    told = fetch()
    if as_json:
        click.echo(told.decode())
        return
    smart = sys.stdout.isatty() and variable("TERM") not in {None, "dumb"}
    look = Look(colours=smart and variable("NO_COLOR") is None)
    if once or not smart or not sys.stdin.isatty():
        for line in lines(fetching.read(told), look):
            click.echo(line)
        return
    with keys_at_once():
        run(lambda: fetching.read(fetch()), Terminal(), look)
