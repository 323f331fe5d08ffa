"""Markdown within a line: which characters are bold, code or a link, as runs of text with a style.

Styles are SGR parameters (ECMA-48 8.3.117); how runs are laid out is `markdown`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

from glmgate.cli.chat.visible import visible

BOLD: Final = "1"
DIM: Final = "2"
ITALIC: Final = "3"
UNDERLINE: Final = "4"
STRUCK: Final = "9"
RED: Final = "31"
CYAN: Final = "36"


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style; an empty style is the terminal's own."""

    text: str
    style: str = ""


# The first that matches at the first place where any does; what none matches is plain. Quantifiers are bounded or
# exclude their own end, so that no text makes this slow.
_MARKS: Final = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<tick>`{1,9})(?!`)(?P<code>[^\n]{1,2000}?)(?<!`)(?P=tick)(?!`)"
    r"|!?\[(?P<label>[^\]\n]{0,500})\]\((?P<url>[^()\s]{1,2000})(?:\s\"[^\"\n]{0,500}\")?\)"
    r"|\*\*\*(?P<both>(?=\S)[^*\n]{1,2000}?(?<=\S))\*\*\*"
    r"|\*\*(?P<bold>(?=\S)[^\n]{1,2000}?(?<=\S))\*\*"
    r"|(?<!\w)__(?P<strong>(?=\S)[^\n]{1,2000}?(?<=\S))__(?!\w)"
    r"|~~(?P<struck>(?=\S)[^~\n]{1,2000}?(?<=\S))~~"
    r"|\*(?P<italic>(?=[^\s*])[^*\n]{1,2000}?(?<=[^\s*]))\*"
    r"|(?<!\w)_(?P<slanted>(?=[^\s_])[^_\n]{1,2000}?(?<=[^\s_]))_(?!\w)"
)
_STYLES: Final = {
    "both": f"{BOLD};{ITALIC}", "bold": BOLD, "strong": BOLD, "struck": STRUCK, "italic": ITALIC, "slanted": ITALIC,
}  # fmt: skip


def runs(text: str, style: str = "") -> list[Run]:
    """`text`, which has no line feed, as runs. Marks may stand in each other; `style` is what all of it has."""
    found: list[Run] = []
    end = 0
    for match in _MARKS.finditer(text):
        found.append(_plain(text[end : match.start()], style))
        found += _marked(match, style)
        end = match.end()
    found.append(_plain(text[end:], style))
    return [run for run in found if run.text]


def _marked(match: re.Match[str], style: str) -> list[Run]:
    if (escaped := match["escaped"]) is not None:
        return [Run(escaped, style)]
    if (code := match["code"]) is not None:
        return [Run(code.strip() or code, _with(style, CYAN))]
    if (url := match["url"]) is not None:
        # The address in full: a link that hides where it goes is not for a terminal.
        label = runs(match["label"] or "", _with(style, UNDERLINE))
        return label if match["label"] == url else [*label, _plain(f" ({url})", _with(style, DIM))]
    name = match.lastgroup
    assert name is not None
    return runs(match[name], _with(style, _STYLES[name]))


def _plain(text: str, style: str) -> Run:
    # What an entity stands for is made visible as if it had been written so.
    return Run(visible(html.unescape(text)).replace("\n", " ") if "&" in text else text, style)


def _with(style: str, more: str) -> str:
    return f"{style};{more}" if style else more
