"""`glmgate doctor`: why answers come or do not come from the services behind this one, and what to do.

The edge: flags, settings, environment, output. What is looked at is in `subjects`, in which order in `examination`.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from glmgate.cli.doctor import as_json, table
from glmgate.cli.doctor.advice import advice
from glmgate.cli.doctor.examination import ROUNDS, Examination, Means
from glmgate.cli.doctor.findings import Advice, Examined, Subject
from glmgate.cli.doctor.progress import Lines
from glmgate.cli.doctor.secrecy import Secrecy
from glmgate.cli.doctor.subjects import Given, configured, given, own_keys
from glmgate.cli.doctor.telling import host_of
from glmgate.cli.doctor.words import words
from glmgate.cli.options import place as place_options
from glmgate.cli.options import read
from glmgate.engines.upstream.probes import ANSWER_TOKENS, Asker, Budget
from glmgate.engines.upstream.surfaces import directory, known_places, others
from glmgate.errors import SettingsError
from glmgate.settings import Settings, variable
from glmgate.settings.references import followed, reference
from glmgate.storage.master import FILE_NAME
from glmgate.transport.aiohttp import AiohttpTransport
from glmgate.transport.proxies import Proxies

REQUESTS: Final = 10
"""Requests that cost something, at most, where nobody allows more."""
_PROXY_VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

Report = Sequence[tuple[Examined, Sequence[Advice]]]


@click.command("doctor")
@click.option("--key", help="The key to try, or env:NAME or file:PATH for where it is.")
@click.option("--base-url", help="Where to try it, such as https://api.example.com/v1 [wherever it may belong].")
@click.option("--model", default="", help="The model to ask [one that the service lists].")
@click.option("--only", is_flag=True, help="Ask nobody but the service at --base-url.")
@click.option(
    "--requests", type=click.IntRange(1, 1000), default=REQUESTS, help=f"Requests that cost, at most [{REQUESTS}]."
)
@click.option("--limits", is_flag=True, help="Try how many requests go at the same time; that costs more.")
@click.option("--timeout", type=click.FloatRange(0.1, 600), default=30.0, help="Seconds for each answer [30].")
@click.option("--json", "is_json", is_flag=True, help="Print a JSON object with all that was found.")
@place_options
@click.pass_context
def command(
    context: click.Context,
    *,
    key: str | None,
    base_url: str | None,
    model: str,
    only: bool,
    requests: int,
    limits: bool,
    timeout: float,
    is_json: bool,
    home: Path | None,
    config: Path | None,
) -> None:
    """Say what works with a key or an upstream, and what to do.

    Without --key and --base-url it looks at the upstreams of the settings and the environment. The exit status is 0
    when all is well, 1 when something is wrong, 2 when the flags are.
    """
    if math.isnan(timeout):
        raise click.UsageError("--timeout is 'nan', it must be a number of seconds.")
    if key is not None or base_url is not None:
        subjects, proxies = _given(key, base_url, model=model, only=only)
    else:
        subjects, proxies = _configured(read(home, config), model=model, only=only)
    secrecy = Secrecy(subject.credential.reveal() for subject in subjects if subject.credential)
    click.echo(secrecy.clean(_cost(subjects, requests, limits=limits)), err=True)
    lines = Lines(secrecy.clean, shown=sys.stderr.isatty())
    budgets = Budget(requests), Budget(sum(ROUNDS) * len(subjects) if limits else 0)
    report = asyncio.run(_examine(subjects, proxies, lines, budgets, timeout))
    click.echo(_as_json(report, budgets, secrecy) if is_json else secrecy.clean(table.report(report)))
    context.exit(0 if all(each.is_well for each, _ in report) else 1)


def _as_json(report: Report, budgets: tuple[Budget, Budget], secrecy: Secrecy) -> str:
    used, most = sum(each.used for each in budgets), sum(each.most for each in budgets)
    # ASCII, because what services wrote may hold characters that a terminal obeys.
    return json.dumps(secrecy.clean_all(as_json.report(report, used=used, most=most)))


async def _examine(
    subjects: Sequence[Subject], proxies: Proxies, lines: Lines, budgets: tuple[Budget, Budget], timeout_s: float
) -> Report:
    transport = AiohttpTransport(keep_connections=False, proxies=proxies)
    try:
        usual, limits = (Asker(transport, budget, timeout_s=timeout_s) for budget in budgets)
        means = Means(
            asker=usual,
            known=directory(),
            watch=lines,
            proxies=proxies,
            limits=limits if budgets[1].most else None,
            timeout_s=timeout_s,
        )
        examined = await Examination(means).examine(subjects)
        return [(each, advice(each, directory(), now=time.time(), most=budgets[0].most)) for each in examined]
    finally:
        lines.end()
        await transport.aclose()


def _given(key: str | None, base_url: str | None, *, model: str, only: bool) -> tuple[tuple[Subject, ...], Proxies]:
    if only and base_url is None:
        raise click.UsageError("--only needs --base-url: without it the key is tried wherever it may belong.")
    environment = {
        name: value for each in _PROXY_VARIABLES for name in (each, each.upper()) if (value := variable(name))
    }
    try:
        text, where = _followed(key)
        flags = Given(key=text, reference=where, base_url=base_url, model=model, only=only)
        return (given(flags, directory()),), Proxies.read(environment)
    except SettingsError as error:
        raise click.UsageError(error.message) from error


def _followed(key: str | None) -> tuple[str | None, str]:
    """The key, and how it is called in what is printed."""
    if key is None or not key.startswith(("env:", "file:")):
        return key, "--key" if key is not None else ""
    found = reference(key, where="--key", base=Path.cwd())
    environment = {} if (value := variable(found.where)) is None else {found.where: value}
    return followed(found, environment, where="--key"), key


def _configured(settings: Settings, *, model: str, only: bool) -> tuple[tuple[Subject, ...], Proxies]:
    if only:
        raise click.UsageError("--only needs --base-url.")
    own_ids = asyncio.run(_own_ids(settings)) if settings.found else frozenset()
    for name in own_keys(settings, own_ids):
        click.echo(words().beside["own_key"].format(name=name), err=True)
    subjects = tuple(configured(settings, own_ids, directory(), model=model))
    if not subjects:
        raise click.UsageError(
            "There is nothing to look at: the settings have no [[upstreams]], and no service's key is in the "
            "environment. Give --key env:NAME, --base-url or both."
        )
    return subjects, settings.proxies


async def _own_ids(settings: Settings) -> frozenset[str]:
    """The ids of the keys of this machine's own server; none where it has never run."""
    if settings.master_key is None and not (settings.home / FILE_NAME).is_file():
        return frozenset()  # opening would make a master key and a database
    from glmgate.storage.accounts import open_accounts  # noqa: PLC0415 -- SQL, which hardly any examination needs

    accounts = await open_accounts(settings.home, url=settings.storage.url, master=settings.master_key)
    try:
        return frozenset(key.id for key in await accounts.keyring.keys())
    finally:
        await accounts.aclose()


def _cost(subjects: Sequence[Subject], requests: int, *, limits: bool) -> str:
    """What it will cost at most, said before anything is asked."""
    hosts: dict[str, None] = {}
    for subject in subjects:
        elsewhere = () if subject.only or subject.place is None else others(subject.place, directory())
        places = known_places(directory()) if subject.place is None else (subject.place, *elsewhere)
        hosts |= dict.fromkeys(host_of(place.base_url) for place in places)
    more = (
        f", and {sum(ROUNDS) * len(subjects)} more for --limits, up to {max(ROUNDS)} at the same time" if limits else ""
    )
    return (
        f"This sends at most {requests} requests of at most {ANSWER_TOKENS} tokens each{more}, to {', '.join(hosts)}; "
        "the account pays for them."
    )
