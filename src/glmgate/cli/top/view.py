"""What is going on, as lines of text that fit a terminal. Pure: a value and a size in, lines out.

Names may have been typed by callers, so they are made visible before they are laid out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from glmgate.cli.chat.inline import BOLD, DIM, RED, Run
from glmgate.cli.chat.markdown import paint
from glmgate.cli.chat.visible import one_line
from glmgate.cli.top.values import Now, Request

_COLUMNS: Final[tuple[tuple[str, int, Callable[[Request], str | float]], ...]] = (
    ("AGE", 8, lambda each: each.age_s),
    ("STATE", 9, lambda each: each.state),
    ("TOKENS", 7, lambda each: each.tokens),
    ("TOK/S", 7, lambda each: each.tokens_per_s),
    ("KEY", 12, lambda each: each.key_id),
    ("MODEL", 20, lambda each: each.model),
    ("DEPLOYMENT", 24, lambda each: each.deployment),
)
_NUMBERS: Final = frozenset({"AGE", "TOKENS", "TOK/S"})


@dataclass(frozen=True, slots=True)
class Look:
    """How to look: the size (None: as long as it gets), the column to sort by, which way, and whether with colours."""

    width: int = 100
    height: int | None = None
    column: int = 0
    upwards: bool = False
    colours: bool = False

    def pressed(self, key: str) -> Look:
        """After a key: left and right choose the column, up and down the way."""
        column = (self.column + {"left": -1, "right": 1}.get(key, 0)) % len(_COLUMNS)
        upwards = {"up": True, "down": False}.get(key, self.upwards)
        return Look(self.width, self.height, column, upwards, self.colours)


def lines(now: Now, look: Look) -> list[str]:
    """The view. What does not fit below is told in its last line."""
    found = [*_head(now), *_places(now), Run(""), _titles(look), *_requests(now, look)]
    if not now.requests:
        found.append(Run("Nothing is under way.", DIM))
    if look.height is not None and len(found) > look.height:
        left = len(found) - look.height + 1
        found = [*found[: look.height - 1], Run(f"… {left} more", DIM)]
    return [_painted(run, look) for run in found]


def _head(now: Now) -> Iterator[Run]:
    minute = now.minute
    yield Run(f"{now.in_flight} in flight, {now.tokens_per_s:.1f} tokens/s", BOLD)
    errors = f", {minute.errors} with an error" if minute.errors else ""
    yield Run(
        f"Last minute: {minute.requests} requests{errors}, "
        f"{minute.prompt_tokens} tokens in, {minute.completion_tokens} out"
    )


def _places(now: Now) -> Iterator[Run]:
    for engine in now.engines:
        yield Run(
            f"  {_name(engine.name)}: {engine.state}, {engine.busy} of {engine.slots} slots, {engine.waiting} waiting"
        )
    for upstream in now.upstreams:
        parts = [f"{each.in_flight}/{each.slots}{' parked' if each.parked else ''}" for each in upstream.credentials]
        style = RED if any(each.parked for each in upstream.credentials) else ""
        yield Run(f"  {_name(upstream.name)}: slots {', '.join(parts) or '-'}, {upstream.waiting} waiting", style)
    for deployment, state in sorted(now.breakers.items()):
        if state != "closed":
            yield Run(f"  {_name(deployment)}: breaker {state}", RED)


def _titles(look: Look) -> Run:
    marks = [("▲" if look.upwards else "▼") if place == look.column else "" for place in range(len(_COLUMNS))]
    cells = [_cell(title, width, f"{title}{mark}") for (title, width, _), mark in zip(_COLUMNS, marks, strict=True)]
    return Run(" ".join(cells).rstrip(), BOLD)


def _requests(now: Now, look: Look) -> Iterator[Run]:
    _, _, value = _COLUMNS[look.column]
    for request in sorted(now.requests, key=value, reverse=not look.upwards):
        texts = (
            f"{request.age_s:.1f} s",
            request.state,
            str(request.tokens),
            f"{request.tokens_per_s:.1f}",
            request.key_id,
            request.model,
            request.deployment,
        )
        cells = [_cell(title, width, text) for (title, width, _), text in zip(_COLUMNS, texts, strict=True)]
        yield Run(" ".join(cells).rstrip(), DIM if request.state == "queued" else "")


def _cell(title: str, width: int, text: str) -> str:
    shown = _cut(one_line(text), width)
    gap = " " * (width - _width(shown))
    return gap + shown if title in _NUMBERS else shown + gap


def _name(text: str) -> str:
    return one_line(text, longest=40)


def _painted(run: Run, look: Look) -> str:
    text = _cut(run.text, look.width)
    return paint([Run(text, run.style)]) if look.colours and run.style and text else text


def _cut(text: str, width: int) -> str:
    """The text in so many columns of a terminal."""
    if _width(text) <= width:
        return text
    kept, used = "", 1
    for char in text:
        used += _width(char)
        if used > width:
            break
        kept += char
    return f"{kept}…"


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        for char in text
    )
