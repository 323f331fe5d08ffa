"""Settings put together: from file, environment and flags to one checked value.

Where each comes from is in `sources`, what exists in `declared`, `upstreams` and `models`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import platformdirs

from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.errors import SettingsError
from glmgate.policy.keys import MasterKey
from glmgate.policy.prices import Prices
from glmgate.policy.settings import CacheSettings, LimitSettings, ReasoningSettings
from glmgate.settings.declared import CLASSES, AliasSettings, RoutingSettings, declared
from glmgate.settings.found import Found, found
from glmgate.settings.models import Model, models
from glmgate.settings.otel import check_otel, otel_headers
from glmgate.settings.prices import prices
from glmgate.settings.references import followed, reference
from glmgate.settings.sources import (
    FileContents,
    Places,
    check_variables,
    from_environment,
    from_file,
    from_flags,
)
from glmgate.settings.upstreams import UpstreamSettings, referred, upstreams
from glmgate.settings.values import converted
from glmgate.storage.settings import LedgerSettings, RetentionSettings, StorageSettings
from glmgate.surfaces.middleware.loopback import is_loopback_host
from glmgate.surfaces.settings import ServerSettings
from glmgate.telemetry.settings import LogSettings, OtelSettings
from glmgate.transport.proxies import Proxies
from glmgate.weights.hub import ENDPOINTS, Hub
from glmgate.weights.settings import ModelsSettings

FILE_NAME: Final = "glmgate.toml"

_SEEDS: Final = 4_294_967_295  # 32 bits, as the engine has them
_LEDGER_DAYS: Final = 62  # this month and the one before, whose invoice comes now


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that was set, checked, with defaults for the rest.

    `models`: GGUF files given by --model. `upstreams` and `routed` are the services and models of the file. `found` are
    the services whose keys are in the environment, the preferred one first; empty where they are not to be used.
    `prices` are what they cost, `otel_headers` what the collector of traces wants to be shown.
    """

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
    routing: RoutingSettings = field(default_factory=RoutingSettings)
    reasoning: ReasoningSettings = field(default_factory=ReasoningSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    upstreams: tuple[UpstreamSettings, ...] = ()
    routed: tuple[Model, ...] = ()
    found: tuple[Found, ...] = ()
    prices: Prices = field(default_factory=Prices)
    proxies: Proxies = field(default_factory=Proxies)
    otel: OtelSettings = field(default_factory=OtelSettings)
    otel_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    retention: RetentionSettings = field(default_factory=RetentionSettings)

    @property
    def store(self) -> Path:
        """The folder of pulled models."""
        return self.home / "models"

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file whose change changes what is routed; the settings file's usual place where there is none yet."""
        read = [file for each in self.upstreams for file in each.files]
        return tuple(dict.fromkeys([self.file or self.home / FILE_NAME, *read]))


def load(
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], object] | None = None,
    home: Path | None = None,
    config: Path | None = None,
    models: tuple[Path, ...] = (),
    secrets: bool = True,
) -> Settings:
    """The settings of this start. `flags` are by section and name; None is a flag that was not given.

    `environment` is the process's own unless another is given. Without `secrets` those of upstreams are not looked
    for: who asks no upstream need not have them. SettingsError names the first value that is wrong, where it stands,
    and the nearest known name.
    """
    if environment is None:
        environment = os.environ  # noqa: TID251 -- the one place
    folder = _absolute(home or environment.get("GLMGATE_HOME") or platformdirs.user_data_dir("glmgate"))
    contents = from_file(_file(folder, config, environment))
    given = {**contents.values, **from_environment(environment), **from_flags(flags or {})}
    _check_variables(environment, given, contents)
    settings = _put_together(folder, given, environment, contents, secrets=secrets)
    return with_models(settings, models)


def with_models(settings: Settings, models: tuple[Path, ...]) -> Settings:
    """The settings, with these GGUF files to serve. Raises SettingsError where one is no file."""
    changed = replace(settings, models=tuple(_absolute(model) for model in models))
    _check(changed)
    return changed


def variable(name: str) -> str | None:
    """What another program's variable says, such as OPENAI_BASE_URL; None where it is unset or empty."""
    return os.environ.get(name) or None  # noqa: TID251 -- the one place


def _put_together(
    home: Path, given: Places, environment: Mapping[str, str], contents: FileContents, *, secrets: bool
) -> Settings:
    made = (_made(section, kind, given) for section, kind in CLASSES)
    server, _, storage, ledger, retention, engine, pulling, aliases, routing, reasoning, cache, limits, log, otel = made
    master = _secret(("server", "master_key"), given, environment)
    file = contents.file or home / FILE_NAME
    services = upstreams(contents.arrays.get("upstreams", ()), environment if secrets else None, file=file)
    alone = routing.environment and not any(contents.arrays.get(name) for name in ("upstreams", "models"))
    elsewhere = found(environment) if alone else ()
    named = [each.name for each in services] + [each.upstream.name for each in elsewhere]
    return Settings(
        home=home,
        file=contents.file,
        server=server,
        storage=_storage(storage, home, given, environment),
        ledger=ledger,
        retention=retention,
        engine=engine,
        aliases=aliases,
        log=log,
        otel=otel,
        otel_headers=_otel_headers(given, environment, secrets=secrets),
        master_key=None if master is None else MasterKey.from_text(master),
        models=(),
        hub=_hub(pulling, _secret(("pull", "token"), given, environment), environment),
        routing=routing,
        reasoning=reasoning,
        cache=cache,
        limits=limits,
        upstreams=services,
        routed=models(contents.arrays.get("models", ()), services, file=file),
        found=elsewhere,
        prices=prices(contents.arrays.get("prices", ()), named, file=file),
        proxies=Proxies.read(environment),
    )


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _file(home: Path, config: Path | None, environment: Mapping[str, str]) -> Path | None:
    named = config or environment.get("GLMGATE_CONFIG")
    if named:
        return _absolute(named)
    usual = home / FILE_NAME
    return usual if usual.is_file() else None


def _check_variables(environment: Mapping[str, str], given: Places, contents: FileContents) -> None:
    names = {str(each.value).removeprefix("env:") for each in given.values()}
    check_variables(environment, names | referred(contents.arrays.get("upstreams", ())))


def _made(section: str, kind: type[Any], given: Places) -> Any:  # noqa: ANN401 -- a `kind`
    names = {each.name for each in fields(kind)}
    settings = [each for each in declared() if each.section == section and each.name in names]
    return kind(
        **{
            each.name: converted(given[section, each.name], each.type)
            for each in settings
            if (section, each.name) in given
        }
    )


def _secret(place: tuple[str, str], given: Places, environment: Mapping[str, str]) -> str | None:
    """The secret that a setting refers to; None where it is not set."""
    if (value := given.get(place)) is None:
        return None
    where = f"[{place[0]}] {place[1]}"
    return followed(reference(value.value, where=where, base=value.base), environment, where=where)


def _storage(storage: StorageSettings, home: Path, given: Places, environment: Mapping[str, str]) -> StorageSettings:
    """The settings with the URLs that they refer to: a URL that holds a password stands elsewhere, as secrets do."""

    def url(name: str, text: str) -> str:
        if not text.startswith(("env:", "file:")):
            return text
        found = _secret(("storage", name), given, environment) or ""
        if not found.strip():
            raise SettingsError(f"[storage] {name} refers to {text}, where nothing stands.")
        return found.strip()

    return replace(
        storage,
        url=url("url", storage.url).replace("{home}", str(home)),
        redis_url=None if storage.redis_url is None else url("redis_url", storage.redis_url),
    )


def _otel_headers(given: Places, environment: Mapping[str, str], *, secrets: bool) -> Mapping[str, str]:
    """What the collector wants to be shown; nothing where secrets are not looked for."""
    return otel_headers(_secret(("otel", "headers"), given, environment)) if secrets else {}


def _hub(pulling: ModelsSettings, token: str | None, environment: Mapping[str, str]) -> Hub:
    """The hub to fetch from. HF_ENDPOINT is what Hugging Face's own tools read, so a user's mirror stands there."""
    usual = environment.get("HF_ENDPOINT") if pulling.hub == "huggingface" else None
    endpoint = (pulling.mirror or usual or ENDPOINTS[pulling.hub]).rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        where = "[pull] mirror" if pulling.mirror else "HF_ENDPOINT"
        raise SettingsError(f"{where} is {endpoint!r}, it must be a URL such as {ENDPOINTS[pulling.hub]!r}.")
    return Hub(kind=pulling.hub, endpoint=endpoint, token=(token or "").strip() or None)


def _check_is_elsewhere(upstream: UpstreamSettings, server: ServerSettings) -> None:
    """An upstream is not this server itself."""
    url = urlsplit(upstream.base_url)
    if is_loopback_host(url.hostname or "") and server.port == (url.port or 80):
        raise SettingsError(
            f"The upstream {upstream.name!r} is {upstream.base_url!r}, which is this server itself. Set its"
            " 'base_url', or another [server] port."
        )


def _check_counting(settings: Settings) -> None:
    """Where limits are counted, and how long what they are counted from is kept."""
    if not 0 < settings.limits.share <= 1:
        raise SettingsError(f"[limits] share is {settings.limits.share!r}, it must be from above 0 to 1.")
    if 0 < settings.retention.ledger_days < _LEDGER_DAYS:
        raise SettingsError(
            f"[retention] ledger_days is {settings.retention.ledger_days!r}, it must be 0 or at least {_LEDGER_DAYS}: "
            "budgets of a month and invoices are counted from these rows."
        )
    if settings.limits.store == "redis" and settings.storage.redis_url is None:
        raise SettingsError("[limits] store is 'redis', and [storage] redis_url does not say which: set it.")
    if settings.limits.store == "database" and settings.storage.url.startswith("sqlite"):
        raise SettingsError("[limits] store is 'database', and [storage] url names a file: use 'file' or 'auto'.")


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
    _check_counting(settings)
    check_otel(settings.otel)
    for upstream in settings.upstreams:
        _check_is_elsewhere(upstream, server)
    for model in settings.models:
        if not model.is_file():
            raise SettingsError(f"The model {str(model)!r} is not a file: give the path of a GGUF file.")
