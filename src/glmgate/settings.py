"""Settings: the only reader of the settings file, the environment and flags. Flags win over environment over file.

What each setting means stands where it is used (`*/settings.py`); here they are found, checked and put together.
"""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
import platformdirs

from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.errors import SettingsError
from glmgate.policy.keys import MasterKey
from glmgate.storage.settings import StorageSettings
from glmgate.surfaces.middleware.loopback import is_loopback_host
from glmgate.surfaces.settings import ServerSettings
from glmgate.telemetry.settings import LogSettings
from glmgate.weights.hub import ENDPOINTS, Hub
from glmgate.weights.settings import ModelsSettings

FILE_NAME: Final = "glmgate.toml"
PREFIX: Final = "GLMGATE_"

# Variables that belong to no section.
_APART: Final = frozenset({"GLMGATE_HOME", "GLMGATE_CONFIG"})
# How alike a strange variable has to be to a known one to be taken for a slip of the pen.
_ALIKE: Final = 0.85
_SEEDS: Final = 4_294_967_295  # 32 bits, as the engine has them


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
class Settings:
    """Everything that was set, checked, with defaults for the rest. `models`: GGUF files given by --model."""

    home: Path
    file: Path | None
    server: ServerSettings
    storage: StorageSettings
    engine: EmbeddedSettings
    aliases: AliasSettings
    log: LogSettings
    master_key: MasterKey | None
    models: tuple[Path, ...]
    hub: Hub = field(default_factory=Hub)

    @property
    def store(self) -> Path:
        """The folder of pulled models."""
        return self.home / "models"


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
_CLASSES: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("server", ServerSettings),
    ("server", SecretSettings),
    ("storage", StorageSettings),
    ("engine", EmbeddedSettings),
    ("models", ModelsSettings),
    ("aliases", AliasSettings),
    ("log", LogSettings),
)


@dataclass(frozen=True, slots=True)
class _Given:
    """A value that somebody gave: where it stood, and the folder that relative paths in it start from."""

    value: object
    where: str
    base: Path
    lax: bool = False


@cache
def declared() -> tuple[Setting, ...]:
    """Every setting there is, in the order of the sections."""
    return tuple(_setting(section, each, hints[each.name]) for section, each, hints in _fields())


def load(
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], object] | None = None,
    home: Path | None = None,
    config: Path | None = None,
    models: tuple[Path, ...] = (),
) -> Settings:
    """The settings of this start. `flags` are by section and name; None is a flag that was not given.

    `environment` is the process's own unless another is given. SettingsError names the first value that is wrong,
    where it stands, and the nearest known name.
    """
    if environment is None:
        environment = os.environ  # noqa: TID251 -- the one place
    folder = _absolute(home or environment.get("GLMGATE_HOME") or platformdirs.user_data_dir("glmgate"))
    file = _file(folder, config, environment)
    given = {**_from_file(file), **_from_environment(environment), **_from_flags(flags or {})}
    _check_variables(environment, given)
    server, _, storage, engine, pulling, aliases, log = (_made(section, kind, given) for section, kind in _CLASSES)
    master = _secret(("server", "master_key"), given, environment)
    settings = Settings(
        home=folder,
        file=file,
        server=server,
        storage=StorageSettings(url=storage.url.replace("{home}", str(folder))),
        engine=engine,
        aliases=aliases,
        log=log,
        master_key=None if master is None else MasterKey.from_text(master),
        models=tuple(_absolute(model) for model in models),
        hub=_hub(pulling, _secret(("models", "token"), given, environment), environment),
    )
    _check(settings)
    return settings


def with_models(settings: Settings, models: tuple[Path, ...]) -> Settings:
    """The settings, with these GGUF files to serve. Raises SettingsError where one is no file."""
    changed = replace(settings, models=tuple(_absolute(model) for model in models))
    _check(changed)
    return changed


def variable(name: str) -> str | None:
    """What another program's variable says, such as OPENAI_BASE_URL; None where it is unset or empty."""
    return os.environ.get(name) or None  # noqa: TID251 -- the one place


def _fields() -> Iterator[tuple[str, Field[Any], dict[str, Any]]]:
    for section, kind in _CLASSES:
        hints = get_type_hints(kind, include_extras=True)
        for each in fields(kind):
            yield section, each, hints


def _setting(section: str, each: Field[Any], hint: object) -> Setting:
    default = each.default if each.default_factory is MISSING else each.default_factory()
    if get_origin(hint) is not Annotated:
        return Setting(section, each.name, hint, default, "")
    kind, meaning, *_ = get_args(hint)
    return Setting(section, each.name, kind, default, meaning)


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _file(home: Path, config: Path | None, environment: Mapping[str, str]) -> Path | None:
    named = config or environment.get("GLMGATE_CONFIG")
    if named:
        return _absolute(named)
    found = home / FILE_NAME
    return found if found.is_file() else None


def _from_file(file: Path | None) -> dict[tuple[str, str], _Given]:
    if file is None:
        return {}
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"The settings file {str(file)!r} cannot be read: {exc}.") from exc
    given = {}
    for section, table in document.items():
        _check_section(section, table, file)
        for name, value in table.items():
            _known(section, name, where=f"{file}: [{section}] {name}")
            given[section, name] = _Given(value, f"{file}: [{section}] {name}", file.parent)
    return given


def _check_section(section: str, table: object, file: Path) -> None:
    sections = sorted({setting.section for setting in declared()})
    if section not in sections:
        raise SettingsError(f"{file}: there is no section [{section}]{_nearest(section, sections)}")
    if not isinstance(table, dict):
        raise SettingsError(f"{file}: {section} is a section: write [{section}] and its settings below.")


def _known(section: str, name: str, *, where: str) -> Setting:
    for setting in declared():
        if (setting.section, setting.name) == (section, name):
            return setting
    elsewhere = [str(setting) for setting in declared() if setting.name == name]
    if elsewhere:
        raise SettingsError(f"{where} is not a setting. Do you mean {elsewhere[0]}?")
    names = [setting.name for setting in declared() if setting.section == section]
    raise SettingsError(f"{where} is not a setting{_nearest(name, names)}")


def _from_environment(environment: Mapping[str, str]) -> dict[tuple[str, str], _Given]:
    # An empty variable counts as unset: compose files and unit files leave them so.
    return {
        (setting.section, setting.name): _Given(
            _split(environment[setting.variable], setting.type), setting.variable, Path.cwd(), lax=True
        )
        for setting in declared()
        if environment.get(setting.variable)
    }


def _split(text: str, kind: object) -> object:
    """Text as the list or table that the setting wants: `a,b` and `a=x,b=y`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is tuple:
        return parts
    if get_origin(kind) is Mapping:
        return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    return text.strip()


def _from_flags(flags: Mapping[tuple[str, str], object]) -> dict[tuple[str, str], _Given]:
    return {
        (section, name): _Given(value, f"[{section}] {name}, given by a flag,", Path.cwd())
        for (section, name), value in flags.items()
        if value is not None
    }


def _check_variables(environment: Mapping[str, str], given: Mapping[tuple[str, str], _Given]) -> None:
    known = {setting.variable for setting in declared()} | _APART
    sections = tuple({f"{PREFIX}{setting.section}_".upper() for setting in declared()})
    referred = {str(each.value).removeprefix("env:") for each in given.values()}
    for name in sorted({name for name in environment if name.startswith(PREFIX)} - known - referred):
        if name.startswith(sections) or difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
            raise SettingsError(f"{name} is not a setting{_nearest(name, sorted(known))}")


def _made(section: str, kind: type[Any], given: Mapping[tuple[str, str], _Given]) -> Any:  # noqa: ANN401 -- a `kind`
    names = {each.name for each in fields(kind)}
    settings = [setting for setting in declared() if setting.section == section and setting.name in names]
    return kind(
        **{
            setting.name: _value(setting, given[section, setting.name])
            for setting in settings
            if (section, setting.name) in given
        }
    )


def _value(setting: Setting, given: _Given) -> object:
    def path(kind: type, text: object) -> object:
        if kind is not Path or not isinstance(text, str):
            raise NotImplementedError
        return given.base / Path(text).expanduser()

    try:
        value = msgspec.convert(given.value, setting.type, strict=not given.lax, dec_hook=path)
    except (msgspec.ValidationError, NotImplementedError) as exc:
        raise SettingsError(f"{given.where} is {given.value!r}, it must be {_wanted(setting.type)}.") from exc
    if isinstance(value, int | float) and not value >= 0:  # NaN is not either
        raise SettingsError(f"{given.where} is {given.value!r}, it must not be negative.")
    if value == math.inf:
        raise SettingsError(f"{given.where} is {given.value!r}, it must be finite: use a large number.")
    return value


def _wanted(kind: object) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return "one of " + ", ".join(repr(word) for word in get_args(kind))
    if origin is tuple:
        return "a list of texts"
    if origin is Mapping:
        return "a table of names and paths"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return next(word for plain, word in words.items() if kind is plain or plain in get_args(kind))


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f". Do you mean {near[0]}?" if near else f". Known are: {', '.join(known)}."


def _secret(
    place: tuple[str, str], given: Mapping[tuple[str, str], _Given], environment: Mapping[str, str]
) -> str | None:
    """The secret that a setting refers to; None where it is not set."""
    if (reference := given.get(place)) is None:
        return None
    name = f"[{place[0]}] {place[1]}"
    kind, _, where = str(reference.value).partition(":")
    if kind == "env" and where:
        if where not in environment:
            raise SettingsError(f"{name} refers to the variable {where}, which is not set.")
        return environment[where]
    if kind == "file" and where:
        path = reference.base / Path(where).expanduser()
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"{name} refers to the file {str(path)!r}: {exc}.") from exc
    # Without the value: it may be the secret itself.
    raise SettingsError(f"{name} is a reference, env:NAME or file:PATH, and never the secret itself.")


def _hub(pulling: ModelsSettings, token: str | None, environment: Mapping[str, str]) -> Hub:
    """The hub to fetch from. HF_ENDPOINT is what Hugging Face's own tools read, so a user's mirror stands there."""
    usual = environment.get("HF_ENDPOINT") if pulling.hub == "huggingface" else None
    endpoint = (pulling.mirror or usual or ENDPOINTS[pulling.hub]).rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        where = "[models] mirror" if pulling.mirror else "HF_ENDPOINT"
        raise SettingsError(f"{where} is {endpoint!r}, it must be a URL such as {ENDPOINTS[pulling.hub]!r}.")
    return Hub(kind=pulling.hub, endpoint=endpoint, token=(token or "").strip() or None)


def _check(settings: Settings) -> None:
    """Values that are right by themselves but wrong together, or beyond what exists."""
    server = settings.server
    if not server.auth and not is_loopback_host(server.host):
        raise SettingsError(
            f"Without keys (--no-auth) the server only listens on loopback, not on {server.host!r}: everybody there "
            "could use it."
        )
    if server.port > 65535:
        raise SettingsError(f"[server] port is {server.port!r}, the largest one is 65535.")
    if (settings.engine.seed or 0) > _SEEDS:
        raise SettingsError(f"[engine] seed is {settings.engine.seed!r}, the largest one is {_SEEDS}.")
    if settings.engine.parallel < 1:
        raise SettingsError(f"[engine] parallel is {settings.engine.parallel!r}, a model answers at least 1 request.")
    for model in settings.models:
        if not model.is_file():
            raise SettingsError(f"The model {str(model)!r} is not a file: give the path of a GGUF file.")
