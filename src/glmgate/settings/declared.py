"""Every setting that is one value of a section: what exists, of which type, with which default and meaning.

What the settings mean stands where they are used (`*/settings.py`); nothing is read here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.errors import SettingsError
from glmgate.policy.settings import CacheSettings, LimitSettings, ReasoningSettings
from glmgate.storage.settings import LedgerSettings, RetentionSettings, StorageSettings
from glmgate.surfaces.settings import ServerSettings
from glmgate.telemetry.settings import LogSettings, OtelSettings
from glmgate.weights.settings import ModelsSettings

PREFIX: Final = "GLMGATE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Our own secrets; each only by reference, so that the file can be shown to anybody."""

    master_key: Annotated[
        str | None,
        "What all keys are derived from, as env:NAME or file:PATH; unset: the file master.key in GLMGATE_HOME. "
        "Replicas need the same one.",
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasSettings:
    """Which names are known beside those of the models that really answer."""

    openai: Annotated[bool, "Know OpenAI's model names (gpt-*, text-embedding-*); what answers is said."] = True
    strict_models: Annotated[bool, "Know only the names of models that really answer; others are 404."] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSettings:
    """How requests find their way to upstreams."""

    environment: Annotated[
        bool,
        "Without [[upstreams]] and [[models]], route the GLM names to the service whose key is in the environment.",
    ] = True
    queue: Annotated[int, "Requests that may wait for a slot of one upstream; one more goes on or is 429."] = 1024
    queue_s: Annotated[float, "Seconds that a request waits for a slot of one upstream."] = 60


@dataclass(frozen=True, slots=True)
class Setting:
    """One declared setting. `type` and `default` are as in its class, `help` says what it means."""

    section: str
    name: str
    type: Any
    default: object
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{PREFIX}{self.section}_{self.name}".upper()

    def __str__(self) -> str:
        return f"[{self.section}] {self.name}"


# Two classes may share a section of the file; which class a setting belongs to follows from its name.
CLASSES: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("server", ServerSettings),
    ("server", SecretSettings),
    ("storage", StorageSettings),
    ("ledger", LedgerSettings),
    ("retention", RetentionSettings),
    ("engine", EmbeddedSettings),
    ("pull", ModelsSettings),
    ("aliases", AliasSettings),
    ("routing", RoutingSettings),
    ("reasoning", ReasoningSettings),
    ("cache", CacheSettings),
    ("limits", LimitSettings),
    ("log", LogSettings),
    ("otel", OtelSettings),
)


@cache
def declared() -> tuple[Setting, ...]:
    """Every setting there is, in the order of the sections."""
    return tuple(setting(section, each, hint) for section, kind in CLASSES for each, hint in members(kind))


def members(kind: type[Any]) -> Iterator[tuple[Field[Any], object]]:
    """The fields of a class of settings, each with its type and meaning."""
    hints = get_type_hints(kind, include_extras=True)
    for each in fields(kind):
        yield each, hints[each.name]


def setting(section: str, each: Field[Any], hint: object) -> Setting:
    """The setting that a field of a class declares; its default is MISSING where it has to be given."""
    default = each.default if each.default_factory is MISSING else each.default_factory()
    if get_origin(hint) is not Annotated:
        return Setting(section, each.name, hint, default, "")
    kind, meaning, *_ = get_args(hint)
    return Setting(section, each.name, kind, default, meaning)


def known(section: str, name: str, *, where: str) -> Setting:
    """The setting of that place. Raises SettingsError with the nearest known one."""
    for each in declared():
        if (each.section, each.name) == (section, name):
            return each
    elsewhere = [str(each) for each in declared() if each.name == name]
    if elsewhere:
        raise SettingsError(f"{where} is not a setting. Do you mean {elsewhere[0]}?")
    names = [each.name for each in declared() if each.section == section]
    raise SettingsError(f"{where} is not a setting{nearest(name, names)}")


def nearest(name: str, known_names: Sequence[str]) -> str:
    """The end of a message about a name that is not known: the one that was probably meant, else all."""
    near = difflib.get_close_matches(name, known_names, n=1, cutoff=0.5)
    return f". Do you mean {near[0]}?" if near else f". Known are: {', '.join(known_names)}."
