"""`[[filters]]`: what texts may not hold, and who is asked about them. What stands in the file, and what it becomes.

Services and models that are asked are put in where the program is built (`glmgate.app`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from glmgate.engines.upstream.secret import Secret
from glmgate.errors import SettingsError
from glmgate.policy.filters.chain import SizeFilter, TextFilter
from glmgate.policy.filters.expressions import Expressions
from glmgate.policy.filters.kinds import KINDS, expressions
from glmgate.policy.filters.scan import Rule
from glmgate.policy.filters.settings import FilteringSettings
from glmgate.policy.filters.words import Words
from glmgate.settings.declared import nearest
from glmgate.settings.references import followed, reference
from glmgate.settings.tables import table
from glmgate.settings.upstreams import UpstreamSettings, checked_name, checked_url

Kind = Literal[
    "regex", "words", "email", "phone", "card", "china-id", "iban", "us-ssn", "secret", "size", "moderation", "webhook"
]
_HOOKS: Final = ("moderation", "webhook")
_MOST_FILE_BYTES: Final = 16 << 20
# Which of the settings belong to which kinds; the others belong to all.
_BELONGS: Final[Mapping[str, tuple[str, ...]]] = {
    "patterns": ("regex",),
    "words": ("words",),
    "file": ("regex", "words"),
    "most": ("size",),
    "url": ("webhook",),
    "secret": ("webhook",),
    "model": ("moderation",),
    "upstream": ("moderation",),
    "timeout": _HOOKS,
    "fail": _HOOKS,
    "every": _HOOKS,
    "replacement": tuple(kind for kind in (*KINDS, "regex", "words")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterTable:
    """A table of `[[filters]]`, as it stands in the file."""

    name: Annotated[str, "What terms, reports, logs and metrics call it."]
    kind: Annotated[Kind, "What it looks for, or who is asked."]
    direction: Annotated[Literal["input", "output", "both"], "Requests, answers, or both."] = "both"
    action: Annotated[
        Literal["mask", "refuse"] | None,
        "What it does; unset: `refuse` for `size`, `moderation` and `webhook`, which cannot mask, else `mask`.",
    ] = None
    patterns: Annotated[tuple[str, ...], "Of `regex`: what it finds, in the syntax of RE2."] = ()
    words: Annotated[tuple[str, ...], "Of `words`: what it finds, whatever the case."] = ()
    file: Annotated[str | None, "Of `regex` and `words`: more of them, one on each line; # begins a remark."] = None
    replacement: Annotated[
        str | None,
        "What stands in the place of what is masked; `{n}` is a number, the same for the same text of a request; "
        "unset: the kind in brackets, `***` for words.",
    ] = None
    most: Annotated[int | None, "Of `size`: characters of all texts of a request, or of a choice of an answer."] = None
    url: Annotated[str | None, "Of `webhook`: where texts are posted."] = None
    secret: Annotated[str | None, "Of `webhook`: what posts are signed with, as env:NAME or file:PATH."] = None
    model: Annotated[str | None, "Of `moderation`: a chat model that is asked for yes or no; or the service's."] = None
    upstream: Annotated[str | None, "Of `moderation`: an upstream that has `/moderations`, in place of a model."] = None
    timeout: Annotated[float, "Of hooks: seconds that the answer may take."] = 5
    fail: Annotated[Literal["open", "closed"], "Of hooks: what holds without an answer; `open` lets texts pass."] = (
        "closed"
    )
    every: Annotated[int, "Of hooks: characters of an answer after which they are asked; 0: at its end."] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """A filter that asks somebody: a webhook (`url`), an upstream's moderations (`upstream`), or a chat model.

    `reference` says where the `secret` is.
    """

    name: str
    side: Literal["input", "output", "both"]
    url: str | None = None
    secret: Secret | None = field(default=None, repr=False)
    reference: str | None = None
    upstream: str | None = None
    model: str | None = None
    timeout_s: float = 5.0
    is_open: bool = False
    every: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSettings:
    """All filters of a settings file, in its order. `files` are those that were read for them."""

    inline: tuple[TextFilter | SizeFilter, ...] = ()
    hooks: tuple[HookSettings, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(each.name for each in (*self.inline, *self.hooks))


def filters(
    tables: Iterable[Mapping[str, object]],
    upstreams: Sequence[UpstreamSettings],
    environment: Mapping[str, str] | None,
    *,
    file: Path,
) -> FilterSettings:
    """The filters of a settings file, without their secrets where no environment is given. Raises SettingsError."""
    inline: list[TextFilter | SizeFilter] = []
    hooks: list[HookSettings] = []
    files: list[Path] = []
    for place, given in enumerate(tables, start=1):
        name = given.get("name")
        where = f"{file}: [[filters]] {name!r}:" if isinstance(name, str) else f"{file}: [[filters]] {place}:"
        each = table(FilterTable, given, where=where, base=file.parent)
        _check(each, given, where)
        if any(each.name == other.name for other in (*inline, *hooks)):
            raise SettingsError(f"{where} name is that of another filter: names are used once.")
        if each.file is not None:
            files.append(file.parent / Path(each.file).expanduser())
        if each.kind in _HOOKS:
            hooks.append(_hook(each, upstreams, environment, where, file.parent))
        else:
            inline.append(_inline(each, where, file.parent))
    return FilterSettings(inline=tuple(inline), hooks=tuple(hooks), files=tuple(files))


def referred(tables: Iterable[Mapping[str, object]]) -> set[str]:
    """The variables that secrets of webhooks are read from, as far as the tables are right."""
    texts = [given.get("secret") for given in tables]
    return {text.removeprefix("env:") for text in texts if isinstance(text, str) and text.startswith("env:")}


def check_names(filtering: FilteringSettings, known: Sequence[str]) -> None:
    """Raises SettingsError where `[filtering]` names a filter that is not there."""
    wanted = [("default", name) for name in filtering.default]
    if filtering.sensitive_word_check:
        wanted.append(("sensitive_word_check", filtering.sensitive_word_check))
    for setting, name in wanted:
        if name not in known:
            listed = nearest(name, list(known)) if known else ". There are no [[filters]]."
            raise SettingsError(f"[filtering] {setting} names {name!r}, which is no filter{listed}")


def _check(each: FilterTable, given: Mapping[str, object], where: str) -> None:
    checked_name(each.name, where=where)
    for setting, kinds in _BELONGS.items():
        if setting in given and each.kind not in kinds:
            raise SettingsError(
                f"{where} {setting} is for the kind {' or '.join(map(repr, kinds))}, not {each.kind!r}."
            )
    if each.action == "mask" and each.kind in ("size", *_HOOKS):
        raise SettingsError(f"{where} action is 'mask', but the kind {each.kind!r} can only refuse.")


def _inline(each: FilterTable, where: str, base: Path) -> TextFilter | SizeFilter:
    if each.kind == "size":
        if not each.most:
            raise SettingsError(f"{where} has no most: the number of characters, from 1 on.")
        return SizeFilter(name=each.name, most=each.most, side=each.direction)
    try:
        return TextFilter(rule=_rule(each, where, base), side=each.direction)
    except SettingsError as exc:
        raise exc if str(exc).startswith(where) else SettingsError(f"{where} {exc}.") from exc


def _rule(each: FilterTable, where: str, base: Path) -> Rule:
    lines = _lines(each.file, where, base)
    known = KINDS.get(each.kind)
    if known is not None:
        finder: Expressions | Words = expressions(each.kind)
        usual, check = known.replacement, known.check
    elif each.kind == "words":
        finder, usual, check = Words((*each.words, *lines)), "***", None
    elif each.patterns or lines:
        finder, usual, check = Expressions((*each.patterns, *lines)), f"[{each.name}]", None
    else:
        raise SettingsError(f"{where} has no patterns: give 'patterns', or a 'file' with one on each line.")
    return Rule(
        name=each.name,
        finder=finder,
        action=each.action or "mask",
        replacement=usual if each.replacement is None else each.replacement,
        check=check,
    )


def _lines(name: str | None, where: str, base: Path) -> list[str]:
    if name is None:
        return []
    path = base / Path(name).expanduser()
    try:
        if path.stat().st_size > _MOST_FILE_BYTES:
            raise SettingsError(f"{where} file is {name!r}, which is larger than {_MOST_FILE_BYTES >> 20} MiB.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{where} file is {name!r}, which cannot be read: {exc}.") from exc
    return [line for line in (line.strip() for line in text.splitlines()) if line and not line.startswith("#")]


def _hook(
    each: FilterTable,
    upstreams: Sequence[UpstreamSettings],
    environment: Mapping[str, str] | None,
    where: str,
    base: Path,
) -> HookSettings:
    if each.timeout <= 0:
        raise SettingsError(f"{where} timeout is {each.timeout!r}, it must be more than 0 seconds.")
    if each.kind == "webhook":
        if each.url is None:
            raise SettingsError(f"{where} has no url: say where texts are posted.")
        url: str | None = checked_url(each.url, where=f"{where} url")
    else:
        url = None
        if each.model is None and each.upstream is None:
            raise SettingsError(f"{where} has no model and no upstream: say who is asked.")
    return HookSettings(
        name=each.name,
        side=each.direction,
        url=url,
        secret=_secret(each.secret, environment, where, base),
        reference=each.secret,
        upstream=None if each.upstream is None else _there(each.upstream, upstreams, where),
        model=each.model,
        timeout_s=each.timeout,
        is_open=each.fail == "open",
        every=each.every,
    )


def _secret(text: str | None, environment: Mapping[str, str] | None, where: str, base: Path) -> Secret | None:
    if text is None:
        return None
    found = reference(text, where=f"{where} secret", base=base)
    return None if environment is None else Secret(followed(found, environment, where=f"{where} secret").strip())


def _there(name: str, upstreams: Sequence[UpstreamSettings], where: str) -> str:
    there = {each.name.casefold(): each.name for each in upstreams}
    if (found := there.get(name.casefold())) is not None:
        return found
    listed = nearest(name, sorted(there.values())) if there else ". There are no [[upstreams]]."
    raise SettingsError(f"{where} upstream is {name!r}, which is no upstream{listed}")
