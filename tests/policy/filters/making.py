"""What tests of filters are built from: rules of every kind, and texts through them in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hypothesis import strategies as st

from glmgate.policy.filters.chain import TextFilter
from glmgate.policy.filters.expressions import Expressions, Finder
from glmgate.policy.filters.kinds import KINDS, expressions
from glmgate.policy.filters.scan import Action, Counts, Machine, Numbers, Rule, Scan
from glmgate.policy.filters.words import Words

CARD = "4111 1111 1111 1111"
MAIL = "jane.doe@example.com"


def kind_rule(kind: str, action: Action = "mask", *, name: str = "") -> Rule:
    """A rule of a kind that is known."""
    known = KINDS[kind]
    return Rule(
        name=name or kind, finder=expressions(kind), action=action, replacement=known.replacement, check=known.check
    )


def regex(*patterns: str, action: Action = "mask", replacement: str = "[x]") -> Rule:
    """A rule of patterns."""
    return Rule(name="x", finder=Expressions(patterns), action=action, replacement=replacement)


def words(*known: str, action: Action = "mask") -> Rule:
    """A rule of words."""
    return Rule(name="words", finder=Words(known), action=action, replacement="***")


def text_filters(*rules: Rule) -> tuple[TextFilter, ...]:
    """Filters of rules, both ways."""
    return tuple(TextFilter(rule=rule) for rule in rules)


def scan(rule: Rule) -> Scan:
    """One text's way through a rule."""
    return Scan(rule, Counts(), Numbers())


def through(machine: Machine, pieces: Iterable[str]) -> str:
    """What comes out of a machine for a text in these pieces."""
    return "".join(machine.feed(piece) for piece in pieces) + machine.close()


def masked(rule: Rule, text: str) -> str:
    """A whole text through a rule."""
    return through(scan(rule), [text])


def cut(text: str, lengths: Sequence[int]) -> list[str]:
    """The text in pieces of these lengths, over and over."""
    pieces: list[str] = []
    at = place = 0
    while at < len(text):
        length = lengths[place % len(lengths)]
        pieces.append(text[at : at + length])
        at, place = at + length, place + 1
    return pieces


def found(finder: Finder, text: str) -> list[str]:
    """All that a finder finds in a text."""
    spans: list[str] = []
    at = 0
    while (span := finder.find(text, at)) is not None:
        spans.append(text[span[0] : span[1]])
        at = span[1]
    return spans


UNSEEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
"""The usual characters that nobody sees."""


def sprinkled(text: str, places: Sequence[int]) -> str:
    """The text with such characters at these places, one after the other."""
    for number, place in enumerate(places):
        at = place % (len(text) + 1)
        text = text[:at] + UNSEEN[number % len(UNSEEN)] + text[at:]
    return text


def seen(text: str) -> str:
    """The text without them."""
    return "".join(sign for sign in text if sign not in UNSEEN)


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
"""How a text is cut."""


def texts_of(*parts: str) -> st.SearchStrategy[str]:
    """Texts that are made of these parts and of single signs, so that beginnings of matches are everywhere."""
    signs = st.sampled_from([" ", "a", "1", "-", "@", ".", "é", "法", "\n", "，", "４", "\u200b", "\u00ad"])
    return st.lists(st.sampled_from(parts) | signs, max_size=25).map("".join)


RULES: dict[str, Callable[[], Rule]] = {
    **{kind: (lambda kind=kind: kind_rule(kind)) for kind in KINDS},  # type: ignore[misc]  # a default binds the kind
    "words": lambda: words("bad", "bad dog", "badge", "法轮", "法轮功", "dog-eared"),
    "regex": lambda: regex(r"foo\d+bar", r"(?i)a(b|c)*d", r"zz?y+\b", r"^a1", r"-+$", r"x\d{2,4}?", r"\bé."),
}
