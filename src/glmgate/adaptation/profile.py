"""Profiles: what a deployment accepts, as data. The data lives in `profiles/*.toml`.

No rule is here, and no name of a service or a model.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Literal

import msgspec

from glmgate.errors import SettingsError


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers that a caller may give, and the narrower ones that the deployment takes (others are clamped)."""

    # Whole numbers stay whole: as floats, the ends of 64 bits would not be what they are.
    low: int | float
    high: int | float
    send_low: int | float | None = None
    send_high: int | float | None = None


class Stops(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`most` strings of `longest` characters may be given; all are enforced on the visible text by us."""

    most: int
    longest: int


class Tools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`known_types` are the tool types that may be named in a report; only functions are offered to the model.

    `instruction` goes into the follow-up call that makes a forced call; `{names}` stands for the functions' names.
    """

    most: int
    known_types: tuple[str, ...]
    instruction: str


class Thinking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How thinking is switched: a member of `chat_template_kwargs`, and what each effort means.

    `template_switches` are the members of `chat_template_kwargs` that callers may set: booleans only, because anything
    else would let a caller write into the prompt past the guard.
    """

    switch: str
    efforts: dict[str, Literal["enabled", "disabled"]]
    template_switches: tuple[str, ...]


class SchemaLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on JSON schemas of strangers.

    For each schema: `depth` in levels, `bytes`, `properties` of one object, `least` for `minItems` and its like, `most`
    for `maxItems`, `pattern` in characters, `repeat` for counts in a pattern (see `patterns.nesting`). For all schemas
    of a request together: `values`, `choices` in enums.

    `ignored` are the words, and all but `formats` the values of `format`, that are accepted but not obeyed.
    """

    depth: int
    values: int
    bytes: int
    properties: int
    choices: int
    least: int
    most: int
    pattern: int
    repeat: int
    ignored: tuple[str, ...]
    formats: tuple[str, ...]


class Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on embeddings requests: `most` texts, of `most_tokens` together, where we count them."""

    most: int
    most_tokens: int
    most_dimensions: int


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment accepts.

    `open`: unknown members are passed. `numbers`: ranges by field. `seeds`: how many different seeds there are.
    `roles`: roles that have another name there. `inert`: unknown members that change nothing in the answer, by path,
    with the values of which that is true ([]: all). `longest_answer`: what `max_tokens` is clamped to when the
    model's context length is not known.

    The last six are facts of the model and not in the file; see `for_model`.
    """

    name: str
    open: bool
    numbers: dict[str, Range]
    seeds: int
    longest_answer: int
    roles: dict[str, str]
    stops: Stops
    tools: Tools
    thinking: Thinking
    schemas: SchemaLimits
    inputs: Inputs
    inert: dict[str, tuple[object, ...]]
    guarded: tuple[str, ...] = ()
    markup: tuple[int, ...] = ()
    context_length: int | None = None
    dimensions: int | None = None
    vocabulary: int | None = None
    longest_token: int | None = None

    def for_model(
        self,
        *,
        guarded: tuple[str, ...] = (),
        markup: tuple[int, ...] = (),
        context_length: int | None = None,
        dimensions: int | None = None,
        vocabulary: int | None = None,
        longest_token: int | None = None,
    ) -> Profile:
        """This profile with a model's facts.

        Its special tokens, the ids of those that structure an answer without ending it, its context in tokens, the size
        of its vectors, the number of its tokens, the bytes of the longest one.
        """
        return msgspec.structs.replace(
            self,
            guarded=guarded,
            markup=markup,
            context_length=context_length,
            dimensions=dimensions,
            vocabulary=vocabulary,
            longest_token=longest_token,
        )


@functools.cache
def shipped(name: str) -> Profile:
    """The profile of the package with that name. Raises SettingsError when there is none."""
    folder = resources.files(__package__) / "profiles"
    names = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    if name not in names:
        raise SettingsError(f"There is no profile {name!r}. Those shipped are: {', '.join(names)}.")
    return parse((folder / f"{name}.toml").read_text(encoding="utf-8"), origin=f"profile {name!r}")


def parse(text: str, *, origin: str) -> Profile:
    """A profile from the text of its TOML file; `origin` names it in the SettingsError of a bad one."""
    try:
        return msgspec.convert(tomllib.loads(text), Profile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise SettingsError(f"The {origin} is not good: {exc}.") from exc
