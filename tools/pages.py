"""Writes the parts of the documentation that the program knows: settings, commands, paths, errors, ranges, names.

`python -m tools.pages` writes them anew; what the pages say beside them is written by hand and not touched.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

import click
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from glmgate import errors, routing
from glmgate.adaptation.profile import shipped
from glmgate.cli import serve
from glmgate.cli.main import main as program
from glmgate.routing.names import Names
from glmgate.settings import Setting, declared
from glmgate.settings.models import ModelTable
from glmgate.settings.prices import PriceTable
from glmgate.settings.tables import declared_in, table_in
from glmgate.settings.upstreams import UpstreamTable
from glmgate.surfaces import catalogue
from glmgate.surfaces.routes import SERVED
from glmgate.telemetry.engines import EngineNow
from glmgate.telemetry.metrics import Metrics
from glmgate.telemetry.record import RequestRecord
from glmgate.telemetry.upstreams import CredentialNow, UpstreamNow, UpstreamsNow
from glmgate.wire.charge import ONE_CALL, Charge
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.engine import Attempt, Call, Caller, Place

PAGES: Final = Path(__file__).resolve().parent.parent / "docs"

_BLOCK: Final = re.compile(r"(<!-- made by tools\.pages: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD: Final = ("setting", "type", "default", "meaning")
_WIDTH: Final = 100  # as wide as the program itself writes on a wide terminal


def written(text: str) -> str:
    """The text of a page with each of its made parts as the program has it now. KeyError for a part nobody makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n\n{found[3]}", text)


def main() -> None:
    """Write every page whose made parts are not what they should be."""
    for page in sorted(PAGES.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := written(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"{page.name} is written anew")


# -- settings ------------------------------------------------------------------------------------------------------


def settings() -> str:
    """A table for each section."""
    flags = flags_of_serve()
    sections = dict.fromkeys(setting.section for setting in declared())
    tables = []
    for section in sections:
        rows = [_setting(setting, flags) for setting in declared() if setting.section == section]
        head = ("setting", "type", "default", "meaning", "variable", "flag of `serve`")
        tables.append(f"## `[{section}]`\n\n{_table(head, rows)}")
    return "\n\n".join(tables)


def tables() -> str:
    """What a table of `[[upstreams]]`, of `[[models]]` and of `[[prices]]` may hold."""
    kinds = [("[[upstreams]]", UpstreamTable), ("[[models]]", ModelTable), ("[[prices]]", PriceTable)]
    return "\n\n".join(f"## `{name}`\n\n{_table(_HEAD, _members(kind))}" for name, kind in kinds)


def _members(kind: type, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """The settings of a table, those of the tables in it below."""
    for each in declared_in(kind):
        inner = table_in(each.type)
        shown = "list of tables" if inner and get_origin(each.type) is tuple else "table" if inner else _type(each.type)
        default = (
            "needed" if each.default is MISSING else "as below" if inner and each.default else _default(each.default)
        )
        yield f"`{prefix}{each.name}`", shown, default, each.help
        if inner is not None:
            yield from _members(inner, f"{prefix}{each.name}.")


def _setting(setting: Setting, flags: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    flag = flags.get((setting.section, setting.name))
    return (
        f"`{setting.name}`",
        _type(setting.type),
        _default(setting.default),
        setting.help,
        f"`{setting.variable}`",
        f"`{flag}`" if flag else "",
    )


def _type(kind: object) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if get_origin(kind) is tuple:
        return "list of texts"
    if get_origin(kind) is Mapping:
        return "table of paths"
    parts = get_args(kind) or (kind,)
    words: dict[object, str] = {int: "whole number", float: "number", bool: "true or false", str: "text", date: "date"}
    said = [words[part] for part in parts if part in words]
    return ", ".join(said + [_type(part) for part in parts if get_origin(part) is Literal])


def _default(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value}`"
    if not value:
        return "empty"
    return f'`"{value}"`'


def flags_of_serve() -> dict[tuple[str, str], str]:
    """The flag of `glmgate serve` for each setting that has one: read from the table of settings in its source."""
    options = {option.name: option.opts[-1] for option in serve.command.params if isinstance(option, click.Option)}
    tree = ast.parse(inspect.getsource(serve))
    tables = [node.value for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and _is_flags(node)]
    assert len(tables) == 1, "serve.py has one table called `flags`"
    table = tables[0]
    assert isinstance(table, ast.Dict)
    found = {}
    for place, value in zip(table.keys, table.values, strict=True):
        section, name = ast.literal_eval(place) if place is not None else ("", "")
        names = [node.id for node in ast.walk(value) if isinstance(node, ast.Name)]
        found[section, name] = options[names[0]]
    return found


def _is_flags(node: ast.AnnAssign) -> bool:
    return isinstance(node.target, ast.Name) and node.target.id == "flags"


# -- commands ------------------------------------------------------------------------------------------------------


def commands() -> str:
    """What each command says to --help."""
    return "\n\n".join(f"## `{name}`\n\n```text\n{text}\n```" for name, text in helps(program, "glmgate", None))


def helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    """The names of a command and of all below it, with their help."""
    widths = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = command.make_context(name, [], parent, resilient_parsing=True, **widths)
    path = context.command_path
    yield path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from helps(found, below, context)


# -- the API -------------------------------------------------------------------------------------------------------


def endpoints() -> str:
    """What is served."""
    who = {
        "key": "a key",
        "open": "nothing",
        "metrics": "an address that may",
        "admin": "an administrator's key",
        "local": "this machine, or an administrator's key",
    }
    rows = [
        (f"`{route.method} {route.path}`", route.summary, "no base" if route.rooted else "any base", who[route.access])
        for route in SERVED
    ]
    return _table(("path", "does", "under", "needs"), rows)


def unserved() -> str:
    """What stands in a vendor's catalogue and answers 501, family by family."""
    families: dict[str, list[catalogue.Unserved]] = {}
    for entry in catalogue.load():
        families.setdefault(entry.family, []).append(entry)
    rows = [
        (name.replace("_", " "), entries[0].vendor, f"`{_first(entries)}`", str(len(entries)), entries[0].hint)
        for name, entries in families.items()
    ]
    return _table(("family", "vendor", "such as", "calls", "instead"), rows)


def _first(entries: list[catalogue.Unserved]) -> str:
    entry = next((entry for entry in entries if entry.method == "POST"), entries[0])
    return f"{entry.method} {entry.path}"


def failures() -> str:
    """Every error that a client can get, from the exception tree."""
    kinds = list(_below(errors.GlmgateError))
    rows = [
        (str(kind.status), f"`{kind.code}`", f"`{kind.zai_code}`", f"`{kind.type}`", _retry(kind), _meaning(kind))
        for kind in sorted(kinds, key=lambda kind: kind.status)
        if kind is not errors.SettingsError and kind is not errors.RequestRefused
    ]
    return _table(("status", "`code` on `/v1`", "`code` on `/api/paas/v4`", "`type`", "retry", "when"), rows)


def _below(kind: type[errors.GlmgateError]) -> Iterator[type[errors.GlmgateError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from _below(each)


def _retry(kind: type[errors.GlmgateError]) -> str:
    return {True: "helps", False: "does not help", None: "may help"}[kind.retry]


def _meaning(kind: type[errors.GlmgateError]) -> str:
    """The first sentence of the class's own words, without what they refer to in the sources."""
    text = " ".join((kind.__doc__ or "").split())
    sentence = re.sub(r" \([^)]*contract[^)]*\)", "", text).partition(". ")[0].rstrip(".")
    return sentence + "."


def ranges() -> str:
    """The numbers that a request may hold."""
    numbers = shipped("embedded").numbers
    rows = [(f"`{name}`", str(bounds.low), str(bounds.high)) for name, bounds in numbers.items()]
    return _table(("field", "from", "to"), rows)


def inert() -> str:
    """Members that are left out without a difference to the answer."""
    members = shipped("embedded").inert
    rows = [(f"`{name}`", ", ".join(f"`{_json(value)}`" for value in values)) for name, values in members.items()]
    return _table(("member", "as long as it is"), [(name, values or "anything") for name, values in rows])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def names() -> str:
    """The names that are known, kind by kind."""
    text = (resources.files(routing) / "names.toml").read_text(encoding="utf-8")
    known = msgspec.convert(tomllib.loads(text)["names"], tuple[Names, ...])
    rows = [(_vendor(entry), entry.kind, _names_of(entry), _sizes(entry)) for entry in known]
    return _table(("vendor", "kind", "names", "size of vectors"), rows)


def _vendor(entry: Names) -> str:
    return "OpenAI" if entry.openai else "Z.AI, BigModel"


def _names_of(entry: Names) -> str:
    listed = ", ".join(f"`{name}`" for name in entry.names)
    patterns = ", ".join(f"`{pattern}`".replace("|", "\\|") for pattern in entry.patterns)
    return "; patterns: ".join(part for part in (listed, patterns) if part) if listed else f"patterns: {patterns}"


def _sizes(entry: Names) -> str:
    if entry.dimensions is None:
        return ""
    allowed = ", ".join(str(size) for size in entry.dimensions.allowed) or "any up to 4096"
    return f"{entry.dimensions.default}; allowed: {allowed}"


# -- operations ----------------------------------------------------------------------------------------------------


def metrics() -> str:
    """The metrics of ours, with their labels, as a scrape shows them."""
    upstream = UpstreamNow("upstream", 1, (CredentialNow(0, 1, 1, parked=False),))
    now = UpstreamsNow((upstream,), {"upstream/model": "closed"})
    engine = EngineNow("model", "ready", cells=1)
    shown = Metrics(states=lambda: {"model": "ready"}, upstreams=lambda: now, engines=lambda: [engine])
    tokens = Usage(prompt=1, completion=1, cached=1, reasoning=1)
    record = RequestRecord(
        request_id="id", key_id="key", surface="openai", endpoint="chat", model="model", deployment="model",
        ending="completed", usage=tokens, total_s=1.0, first_s=1.0, token_s=1.0, cache_use="miss",
        attempts=(Attempt("upstream/model", 0, "ok", 1.0),),
    )  # fmt: skip
    shown.ended(record)
    call, charge = Call("id", Caller("key"), "openai"), Charge(usage=tokens, units=ONE_CALL, amount=1, currency="USD")
    for place in (Place("model", "", "model"), Place("upstream/model", "upstream", "model")):
        watched = shown.engines.attempt(call, place, ChatRequest(model="model", messages=[]))
        if watched is not None:
            watched.saw((Delta(content="a", usage=tokens),))
            watched.saw((Delta(finish_reason="stop", usage=tokens),))
            watched.ended()
        shown.gen_ai.charged(call, place, charge)
        shown.gen_ai.charged(call, place, Charge(units=ONE_CALL))
    shown.engines.waited("model", 1.0)
    shown.limits.refused("requests", "key")
    shown.limits.failed_open("requests")
    shown.limits.failed_closed("budgets")
    shown.limits.overrun("key", "USD")
    families = text_string_to_metric_families(shown.render().decode())
    rows = []
    for family in families:
        if not family.name.startswith(("glmgate_", "gen_ai_", "vllm:")) or family.name.endswith("_created"):
            continue
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows.append((f"`{name}`", family.type, ", ".join(f"`{label}`" for label in labels), family.documentation))
    return _table(("metric", "type", "labels", "meaning"), rows)


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings,
    "tables": tables,
    "commands": commands,
    "endpoints": endpoints,
    "unserved": unserved,
    "failures": failures,
    "ranges": ranges,
    "inert": inert,
    "names": names,
    "metrics": metrics,
}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
