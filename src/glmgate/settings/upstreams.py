"""`[[upstreams]]`: the services behind this one. What stands in the file, and what it is when it has been checked.

Where a service's models are used is in `models`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from glmgate.adaptation.profile import Profile, parse, shipped, shipped_names
from glmgate.engines.upstream.secret import Secret
from glmgate.errors import SettingsError
from glmgate.settings.declared import nearest
from glmgate.settings.references import Reference, followed, reference
from glmgate.settings.tables import table
from glmgate.transport.interfaces import Timeouts

Concurrency = int | Literal["learn"]

_OURS: Final = "embedded"  # the profile of our own engine, which is no service
# A name stands in logs, metrics and reports, so it is a word.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutTable:
    """Seconds."""

    connect: Annotated[float, "Until the connection stands."] = 5
    first: Annotated[float, "Until the first bytes of the answer."] = 120
    idle: Annotated[float, "Between two pieces of an answer."] = 60
    total: Annotated[float, "For a whole answer."] = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTable:
    """A table of `[[upstreams]]`, as it stands in the file."""

    name: Annotated[str, "What routes, logs and metrics call it."]
    profile: Annotated[str, "What it accepts: a profile of the package, or the path of a profile's file."] = "generic"
    base_url: Annotated[
        str | None, "The URL before `/chat/completions`; unset: the one of the service that the profile is named after."
    ] = None
    credentials: Annotated[tuple[str, ...], "Its secrets, each as env:NAME or file:PATH; they are used in turn."] = ()
    concurrency: Annotated[
        Concurrency, "Requests in flight for each credential; `learn` finds the number from what it refuses."
    ] = "learn"
    timeouts: Annotated[TimeoutTable, "How long it may take."] = field(default_factory=TimeoutTable)
    check: Annotated[float, "Seconds between looks at it (`GET /models`) beside what requests tell; 0: none."] = 0


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret of ours at a service, and where it was found."""

    reference: str
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSettings:
    """A service that can be asked. `files` are those that were read for it, beside the settings file."""

    name: str
    profile: Profile
    base_url: str
    credentials: tuple[Credential, ...] = ()
    concurrency: Concurrency = "learn"
    timeouts: Timeouts = field(default_factory=Timeouts)
    check_s: float = 0
    files: tuple[Path, ...] = ()


class Usual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variable that names the key of a service, and what is asked there for other catalogues' names."""

    variable: str
    profile: str
    chat: str | None = None
    embedding: str | None = None


class _Services(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base_urls: dict[str, str]
    environment: tuple[Usual, ...]


@functools.cache
def services() -> _Services:
    """What is known of services beside their profiles, from the package's data."""
    text = (resources.files(__package__) / "services.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Services)


def upstreams(
    tables: Iterable[Mapping[str, object]], environment: Mapping[str, str] | None, *, file: Path
) -> tuple[UpstreamSettings, ...]:
    """The services of a settings file, without their secrets where no environment is given. Raises SettingsError."""
    found: dict[str, UpstreamSettings] = {}
    for place, given in enumerate(tables, start=1):
        where = f"{file}: [[upstreams]] {_called(given, place)}:"
        each = _upstream(table(UpstreamTable, given, where=where, base=file.parent), environment, where, file.parent)
        if each.name.casefold() in found:
            raise SettingsError(f"{where} name is that of another upstream: names are used once.")
        found[each.name.casefold()] = each
    return tuple(found.values())


def referred(tables: Iterable[Mapping[str, object]]) -> set[str]:
    """The variables that the services' secrets are read from, as far as the tables are right."""
    texts: list[object] = []
    for given in tables:
        credentials = given.get("credentials")
        texts += credentials if isinstance(credentials, list) else ()
    return {text.removeprefix("env:") for text in texts if isinstance(text, str) and text.startswith("env:")}


def checked_name(name: str, *, where: str) -> str:
    """The name. Raises SettingsError when it cannot stand in a log."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{where} name is {name!r}, it must be a word of letters, digits, dots, hyphens and underscores."
        )
    return name


def _called(given: Mapping[str, object], place: int) -> str:
    """How a table is called in a message: by its name, or by its place while it has none."""
    name = given.get("name")
    return repr(name) if isinstance(name, str) else str(place)


def _upstream(given: UpstreamTable, environment: Mapping[str, str] | None, where: str, base: Path) -> UpstreamSettings:
    checked_name(given.name, where=where)
    if given.concurrency != "learn" and not 1 <= given.concurrency <= 100_000:
        raise SettingsError(
            f"{where} concurrency is {given.concurrency!r}, it must be 'learn' or a whole number from 1 on."
        )
    profile, profile_file = _profile(given.profile, where, base)
    references = [reference(text, where=f"{where} credentials", base=base) for text in given.credentials]
    files = [each.file for each in references if each.file] + ([profile_file] if profile_file else [])
    return UpstreamSettings(
        name=given.name,
        profile=profile,
        base_url=_base_url(given, where),
        credentials=() if environment is None else _credentials(references, environment, where),
        concurrency=given.concurrency,
        timeouts=_timeouts(given.timeouts, where),
        check_s=given.check,
        files=tuple(files),
    )


def _profile(name: str, where: str, base: Path) -> tuple[Profile, Path | None]:
    """The profile, and the file it was read from, where it is not one of the package."""
    names = [each for each in shipped_names() if each != _OURS]
    if name in names:
        return shipped(name), None
    if "/" not in name and not name.endswith(".toml"):
        raise SettingsError(f"{where} profile is {name!r}, which is no profile of a service{nearest(name, names)}")
    path = base / Path(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{where} profile is {name!r}, which cannot be read: {exc}.") from exc
    return parse(text, origin=f"profile {str(path)!r}"), path


def _base_url(given: UpstreamTable, where: str) -> str:
    url = given.base_url or services().base_urls.get(given.profile)
    if url is None:
        raise SettingsError(f"{where} has no base_url, and of {given.profile!r} none is known: give it.")
    return checked_url(url, where=f"{where} base_url")


def checked_url(url: str, *, where: str) -> str:
    """The URL without a slash at its end. Raises SettingsError, which repeats no password."""
    parts = urlsplit(url)
    try:
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{where} holds a user or a password: secrets stand in `credentials`, by reference.")
    if not usable or parts.query or parts.fragment:
        raise SettingsError(f"{where} is {url!r}, it must be a URL such as 'https://HOST/v1'.")
    path = parts.path.rstrip("/")
    if path.endswith("/chat/completions"):
        raise SettingsError(f"{where} is {url!r}: leave '/chat/completions' away, it is added.")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _credentials(references: Sequence[Reference], environment: Mapping[str, str], where: str) -> tuple[Credential, ...]:
    found: dict[str, Credential] = {}
    for each in references:
        text = followed(each, environment, where=f"{where} credentials").strip()
        if not text:
            raise SettingsError(f"{where} credentials: {each} is empty.")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise SettingsError(f"{where} credentials: {each} holds more than a secret: no blanks, no line breaks.")
        found.setdefault(text, Credential(str(each), Secret(text)))
    return tuple(found.values())


def _timeouts(given: TimeoutTable, where: str) -> Timeouts:
    for name in ("connect", "first", "idle", "total"):
        if getattr(given, name) <= 0:
            raise SettingsError(f"{where} timeouts {name} is {getattr(given, name)!r}, it must be more than 0 seconds.")
    return Timeouts(connect_s=given.connect, first_s=given.first, idle_s=given.idle, total_s=given.total)
