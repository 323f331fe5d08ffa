"""Profiles: what a deployment accepts, as data. The data lives in `profiles/*.toml`.

No rule is here, and no name of a service or a model.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import tomllib
from importlib import resources
from typing import Any, Final, Literal

import msgspec

from glmgate.adaptation.profile_text import explained, merged
from glmgate.errors import Remedy, SettingsError
from glmgate.wire.delta import FinishReason

# What the surface, the gateway and routing have read; it means nothing to a deployment of our own.
CONSUMED: Final = (
    "stream",
    "stream_options",
    "tool_stream",
    "user",
    "user_id",
    "request_id",
    "glmgate",
    "encoding_format",
)
_VERSION_DIGITS: Final = 12

FieldRule = Literal["pass", "omit", "refuse"]
"""What becomes of a member that the service does not have: taken out with a report, or 400. `pass` undoes either."""

FailureKind = Literal[
    "invalid",
    "authentication",
    "permission",
    "model",
    "context",
    "filtered",
    "rate",
    "quota",
    "overload",
    "broken",
    "conflict",
    "retired",
]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a profile. Members that it does not know are refused."""


class Range(Part, frozen=True):
    """The numbers that a caller may give, and the narrower ones that the deployment takes.

    What is outside the narrower ones is clamped, or scaled from the one range into the other (`over`).
    """

    # Whole numbers stay whole: as floats, the ends of 64 bits would not be what they are.
    low: int | float
    high: int | float
    send_low: int | float | None = None
    send_high: int | float | None = None
    over: Literal["clamp", "scale"] = "clamp"


class Stops(Part, frozen=True):
    """`most` strings of `longest` characters may be given; all are enforced on the visible text by us.

    `send` of them are sent too, so that the service stops there by itself.
    """

    most: int
    longest: int
    send: int = 0


class Tools(Part, frozen=True):
    """`known_types` are the tool types that may be named in a report; functions and `native_types` are offered.

    `choices` are obeyed by the service; other choices are enforced by us: `constraint` has the engine write nothing but
    a call, `repair` looks at the answer and asks again, at most `repairs` times. `instruction` goes into such a call;
    `{names}` stands for the functions' names. `strict`: the member of that name is sent. `stream_member`: what makes
    calls arrive in pieces (contract row C10). `checked`: the schemas of parameters are held to `schemas`, for an engine
    that a bad one stops. `searching`: the tool that `web_search_options` become (N11), as far as it is always the same.
    """

    most: int
    known_types: tuple[str, ...]
    instruction: str
    native_types: tuple[str, ...] = ()
    choices: tuple[Literal["auto", "none", "required", "named", "parallel"], ...] = ()
    enforced_by: Literal["constraint", "repair"] = "constraint"
    repairs: int = 1
    strict: bool = False
    stream_member: Literal["", "tool_stream"] = ""
    checked: bool = True
    searching: dict[str, Any] = {}


class Formats(Part, frozen=True):
    """The forms of an answer that the service keeps to (`native`), and how the others are made.

    `constraint`: the engine is held to the schema. `prompt`: `instruction` (with `{schema}`) says it to the model, the
    answer is validated, and `repair` (with `{problem}`) asks again, at most `repairs` times.

    `with_tools`: calls stay possible beside a native form.
    """

    native: tuple[Literal["json_object", "json_schema"], ...] = ()
    by: Literal["constraint", "prompt"] = "constraint"
    instruction: str = ""
    repair: str = ""
    repairs: int = 2
    with_tools: bool = True


class Thinking(Part, frozen=True):
    """How thinking is switched, and what each effort means: `enabled`, `disabled`, or a word of the service.

    `member` is where the switch is: in `chat_template_kwargs` (as `switch`), in `thinking`, in `reasoning_effort`, or
    nowhere. Words other than the two are sent as `reasoning_effort`.

    `template_switches` are the members of `chat_template_kwargs` that callers may set: booleans only, because anything
    else would let a caller write into the prompt past the guard; with `*` all of them, whatever they hold.

    `can_disable`: it can be turned off. `least_tokens`: with a smaller limit of the answer thinking would eat it, so it
    is turned off (contract row N13). `history`: the member of a message that holds earlier reasoning there.
    `preserved`: the service has `clear_thinking`.
    """

    switch: str
    efforts: dict[str, str]
    template_switches: tuple[str, ...]
    member: Literal["chat_template_kwargs", "thinking", "reasoning_effort", "none"] = "chat_template_kwargs"
    can_disable: bool = True
    least_tokens: int = 0
    history: Literal["reasoning_content", "reasoning", "none"] = "reasoning_content"
    preserved: bool = False


class Images(Part, frozen=True):
    """How an image is written (contract row I1), and which parts a content may have (I2).

    `base64` is the bare text, `data_url` the one with its type before it. With `text` as the only part, contents are
    joined to one string. `detail`: the member of that name is sent. `addresses`: images may be named by their address.
    """

    form: Literal["none", "base64", "data_url"] = "none"
    parts: tuple[str, ...] = ("text",)
    detail: bool = False
    addresses: bool = True


class User(Part, frozen=True):
    """Under which name the caller's user is sent (contract row N10), and between how many characters it must have."""

    member: Literal["omit", "user", "user_id", "safety_identifier"] = "omit"
    least: int = 6
    most: int = 128


class Turns(Part, frozen=True):
    """Which messages there must be.

    Where only the roles of `silent` speak, a user's message of `added` follows (contract row N9). `system`: such
    messages may stand anywhere, or only one at the beginning, into which all are joined (N8). `end`: of several
    messages of the assistant at the end one is made, or they stay. `results`: what tools gave may stand anywhere, or
    only behind the call that it answers.
    """

    silent: tuple[str, ...] = ("system",)
    added: str = ""
    end: Literal["one", "any"] = "one"
    system: Literal["anywhere", "first"] = "anywhere"
    results: Literal["anywhere", "behind_calls"] = "anywhere"


class SchemaLimits(Part, frozen=True):
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


class Inputs(Part, frozen=True):
    """Bounds on embeddings requests: `most` texts, of `most_tokens` together, where we count them.

    `at_once`: so many texts are sent in one call, all when 0. `sizes`: the dimensions that the service makes itself.
    `base64`: it writes vectors in base64 when asked (contract row E1).
    """

    most: int
    most_tokens: int
    most_dimensions: int
    at_once: int = 0
    sizes: tuple[int, ...] = ()
    base64: bool = False


class Failure(Part, frozen=True):
    """What a failure of the service is, and what routing does about it; without `remedy` as its kind usually has it.

    `after_s`: so long it takes until asking again may help, where the service does not say.
    """

    kind: FailureKind
    remedy: Remedy | None = None
    after_s: float | None = None


class Errors(Part, frozen=True):
    """How failures are told apart: by the body's `codes` first, then by `words` in its message, then by `statuses`.

    A word is a regular expression, case ignored; the first that is found counts. `resets` are regular expressions with
    one group, the time from which a credential works again; `zone` holds for times that name none (`+08:00`).
    """

    codes: dict[str, Failure] = {}
    words: dict[str, Failure] = {}
    statuses: dict[str, Failure] = {}
    resets: tuple[str, ...] = ()
    zone: str = "+00:00"


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What a deployment accepts.

    `open`: unknown members are passed. `fields`: members that it does not have. `consumed`: members that end here.
    `greedy`: how the likeliest token is asked for (contract row T1). `limit_name`: the name of the answer's limit.
    `numbers`: ranges by field. `seeds`: how many different seeds there are, 0 for all that are in range. `roles`: roles
    that have another name there. `inert`: unknown members that change nothing in the answer, by path, with the values
    of which that is true ([]: all). `longest_answer`: what `max_tokens` is clamped to when the model's context length
    is not known.

    `request_id`: our id of a request is sent. `completions`: how text completions are made (contract row L1). `finish`:
    its words for how an answer ended, where they are not ours. `usage_in_stream`: whether usage must be asked for.
    `tokenizer`: how prompts are counted there: by `tokenizer` (contract 4.3), `tokenize` beside the version, or not.
    `families`: tables that hold for some models only, see `for_family`.

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
    fields: dict[str, FieldRule] = {}
    consumed: tuple[str, ...] = CONSUMED
    greedy: Literal["temperature", "do_sample"] = "temperature"
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    formats: Formats = Formats()
    images: Images = Images()
    user: User = User()
    turns: Turns = Turns()
    request_id: bool = False
    completions: Literal["native", "chat"] = "native"
    finish: dict[str, FinishReason] = {}
    usage_in_stream: Literal["asked", "always"] = "always"
    tokenizer: Literal["none", "tokenizer", "tokenize"] = "none"
    errors: Errors = Errors()
    families: tuple[dict[str, Any], ...] = ()
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

    def for_family(self, model: str) -> Profile:
        """This profile as it is for `model` (the name there, case ignored): its families' tables merged over it.

        Of several that match, the last one that says something about a member holds. The result has no families.
        """
        document: dict[str, Any] = msgspec.to_builtins(self)
        name = model.casefold()
        for family in document.pop("families"):
            patterns, tables = _taken_apart(family)
            if any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in patterns):
                document = merged(document, tables)
        return msgspec.convert(document, Profile)

    @functools.cached_property
    def version(self) -> str:
        """A short digest of everything in it: the same content has the same, in every process."""
        content = msgspec.json.encode(msgspec.to_builtins(self), order="deterministic")
        return hashlib.sha256(content).hexdigest()[:_VERSION_DIGITS]


@functools.cache
def shipped(name: str) -> Profile:
    """The profile of the package with that name. Raises SettingsError when there is none."""
    return parse(_text(name), origin=f"profile {name!r}")


def shipped_names() -> tuple[str, ...]:
    """The names of the package's profiles, in order."""
    folder = resources.files(__package__) / "profiles"
    entries = sorted(entry.name for entry in folder.iterdir())
    return tuple(entry.removesuffix(".toml") for entry in entries if entry.endswith(".toml"))


def parse(text: str, *, origin: str) -> Profile:
    """A profile from the text of its TOML file; `origin` names it in the SettingsError of a bad one.

    A text may begin with `extends = "NAME"`, a profile of the package, and then says only what is different.
    """
    try:
        document = _whole(tomllib.loads(text), ())
        profile = msgspec.convert(document, Profile)
        for family in profile.families:
            patterns, tables = _taken_apart(family)
            if not patterns:
                raise SettingsError(f"The {origin} is not good: 'families' needs 'models', a list of names.")
            msgspec.convert(merged({**document, "families": []}, tables), Profile)
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"The {origin} is not good: {exc}.") from exc
    except msgspec.ValidationError as exc:
        raise SettingsError(f"The {origin} is not good: {explained(exc, Profile)}.") from exc
    return profile


def _whole(document: dict[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    """`document` over what it extends; families of both stand, those of the extended one first."""
    base = document.pop("extends", None)
    if base is None:
        return document
    if base in seen:
        raise SettingsError(f"The profile {base!r} extends itself. Take 'extends' out of one of: {', '.join(seen)}.")
    extended = _whole(tomllib.loads(_text(base)), (*seen, base))
    families = [*extended.get("families", ()), *document.get("families", ())]
    return merged(extended, document) | {"families": families}


def _text(name: str) -> str:
    names = shipped_names()
    if name not in names:
        raise SettingsError(f"There is no profile {name!r}. Those shipped are: {', '.join(names)}.")
    return (resources.files(__package__) / "profiles" / f"{name}.toml").read_text(encoding="utf-8")


def _taken_apart(family: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The models of a family, and its tables."""
    models = msgspec.convert(family.get("models", ()), tuple[str, ...])
    return models, {name: table for name, table in family.items() if name != "models"}
