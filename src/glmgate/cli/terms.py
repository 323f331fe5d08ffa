"""Terms on the command line: the flags that several commands share, and how terms are shown to people.

What is right and wrong is decided in `policy.terms`.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
import msgspec

from glmgate.errors import InvalidRequest
from glmgate.policy.terms import NAMES, budget_of, budget_text
from glmgate.wire.terms import Terms

Command = Callable[..., None]
_SWITCH: Final = click.Choice(["on", "off"])
_SPAN: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[dh])")
_UNITS: Final = {"d": "days", "h": "hours"}
_OPTIONS: Final = (
    click.option("--models", multiple=True, metavar="NAME,...", help="Models to allow; `glm-4.*`: a kind."),
    click.option("--rpm", type=int, help="Requests in a minute."),
    click.option("--tpm", type=int, help="Tokens in a minute."),
    click.option("--in-flight", type=int, help="Requests at a time."),
    click.option(
        "--budget",
        "budgets",
        multiple=True,
        metavar="SPEC",
        help="What may be spent: 10USD/day, 1000000tokens/month:warn, 10EUR/day@Europe/Paris.",
    ),
    click.option("--thinking", type=_SWITCH, help="Whether models think where a request does not say."),
    click.option("--max-tokens", type=int, help="The most tokens of an answer."),
    click.option("--address", "addresses", multiple=True, metavar="CIDR", help="Networks that may ask."),
    click.option("--filter", "filters", multiple=True, metavar="NAME", help="Filters of the settings, in their order."),
    click.option("--tag", "tags", multiple=True, metavar="WORD", help="Words for reports."),
    click.option("--contents", type=_SWITCH, help="Whether messages may be logged; only a project's counts [off]."),
)


def with_terms(command: Command) -> Command:
    """The flags of terms; the command gets what was given as `terms`: plain values by their names."""

    @functools.wraps(command)
    def gathering(**given: object) -> None:
        terms = {name: _value(name, value) for name in NAMES if (value := given.pop(name)) not in (None, ())}
        command(terms=terms, **given)

    return functools.reduce(lambda made, option: option(made), reversed(_OPTIONS), gathering)


def with_unset(command: Command) -> Command:
    """The flags of terms, and `--unset`, which takes back what was said; all of it comes as `terms`."""
    words = click.Choice([name.replace("_", "-") for name in NAMES])

    @functools.wraps(command)
    def gathering(*, terms: dict[str, Any], unset: tuple[str, ...], **given: object) -> None:
        taken = {name.replace("-", "_"): name for name in unset}
        if both := [name for key, name in taken.items() if key in terms]:
            raise click.UsageError(f"--unset {both[0]} takes back what is set in the same call: leave one of them out.")
        command(terms=terms | dict.fromkeys(taken), **given)

    return with_terms(
        click.option("--unset", multiple=True, type=words, metavar="NAME", help="Terms to take back.")(gathering)
    )


def expiry(text: str | None, *, days: float | None = None) -> float | None:
    """When a key ends, in Unix seconds: an ISO date or time (UTC where it has no zone), or `30d` or `12h` from now."""
    if days is not None:
        return time.time() + days * 86_400
    if text is None:
        return None
    if span := _SPAN.fullmatch(text):
        try:
            return time.time() + timedelta(**{_UNITS[span["unit"]]: float(span["number"])}).total_seconds()
        except OverflowError as exc:
            raise InvalidRequest(f"{text!r} is too far away: 36500d is the longest.", param="expires") from exc
    try:
        when = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidRequest(
            f"{text!r} is no time: write a date (2027-01-31), a time (2027-01-31T18:00), or a span (30d, 12h).",
            param="expires",
        ) from exc
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def shown(terms: Terms) -> dict[str, str]:
    """Terms for people, by their names on the command line."""
    said = msgspec.to_builtins(terms) | {"budgets": [budget_text(budget) for budget in terms.budgets]}
    return {
        name.replace("_", "-"): ", ".join(value) if isinstance(value, list | tuple) else str(value)
        for name, value in said.items()
        if value not in (None, [], (), False)
    }


def _value(name: str, value: object) -> object:
    if name == "contents":
        return value == "on"
    if not isinstance(value, tuple):
        return value
    if name == "budgets":
        return [msgspec.to_builtins(budget_of(each)) for each in value]
    if name == "models":
        return [part.strip() for each in value for part in each.split(",") if part.strip()]
    return list(value)
