"""`glmgate models`: lists the models that are here, and those that could be pulled.

Facts come from the files' headers and from the catalogue; nothing is asked of a hub.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from glmgate.cli.options import place, read
from glmgate.cli.progress import size
from glmgate.engines.embedded.fitting import advice, kind_of
from glmgate.engines.embedded.machine import memory_for_models
from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import context_of
from glmgate.settings.models import Model
from glmgate.weights.builtin import CHAT_NAME, EMBEDDING_NAME, builtin_models
from glmgate.weights.catalogue import Entry, entries
from glmgate.weights.errors import WeightsUnreadable
from glmgate.weights.fit import FIXED_BYTES, need
from glmgate.weights.gguf import read_facts
from glmgate.weights.store import Store, StoredModel

REMARKS = {CHAT_NAME: "small, for demonstration", EMBEDDING_NAME: "English only"}


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with all there is.")
@place
def command(home: Path | None, config: Path | None, *, as_json: bool) -> None:
    """List the models that are here, and those that can be pulled."""
    settings = read(home, config, secrets=False)
    budget = memory_for_models(settings.engine.memory_bytes)
    store = Store(settings.store)
    pulled = store.models()
    here = list(_here(pulled, settings.engine, budget))
    names = {model.name for model in pulled}
    there = [_there(entry, store, budget) for entry in entries() if entry.name not in names]
    routed = [_routed(model) for model in settings.routed]
    services = [each.upstream.name for each in settings.found]
    if as_json:
        everything = {
            "routed": routed,
            "environment": services,
            "here": here,
            "catalogue": there,
            "memory_bytes": budget,
        }
        click.echo(json.dumps(everything, ensure_ascii=False))
        return
    tables = [_routed_table(routed)] if routed else []
    if services:
        tables.append(
            f"The names of GLM models are routed to {', else to '.join(services)}; `serve --local` prevents it."
        )
    click.echo("\n\n".join([*tables, _here_table(here), _there_table(there)]))
    click.echo(f"Models may use {size(budget)} of memory here. `glmgate pull NAME` fetches one.", err=True)


def _routed(model: Model) -> dict[str, Any]:
    """A name of the settings, and the places that answer it in their order."""
    routes = sorted(model.routes, key=lambda route: route.priority)
    return {
        "name": model.name,
        "kind": model.kind,
        "aliases": list(model.aliases),
        "route": [route.engine or f"{route.upstream}/{route.model}" for route in routes],
    }


def _here(pulled: Sequence[StoredModel], engine: EmbeddedSettings, budget: int) -> Iterator[dict[str, Any]]:
    """What is known of each model that can be served, in the order in which they stand in for known names."""
    for model in pulled:
        remark = model.origin.licence and f"licence {model.origin.licence}" if model.origin else "put there by hand"
        yield _row(model.name, model.path, engine, budget) | {"source": "pulled", "remark": remark}
    for built in builtin_models():
        remark = REMARKS.get(built.name, "")
        yield _row(built.name, built.path, engine, budget) | {"source": "built-in", "remark": remark}


def _row(name: str, path: Path, engine: EmbeddedSettings, budget: int) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "path": str(path), "bytes": path.stat().st_size}
    try:
        facts = read_facts(path)
    except WeightsUnreadable as error:
        return row | {"kind": "broken", "context": None, "memory_bytes": None, "misfit": error.message}
    context = context_of(facts, engine, budget_bytes=budget)
    return row | {
        "kind": kind_of(facts),
        "context": context,
        "memory_bytes": need(facts, context=context, slots=engine.parallel).total,
        "misfit": advice(name, facts, engine, budget_bytes=budget),
    }


def _there(entry: Entry, store: Store, budget: int) -> dict[str, Any]:
    return {
        "name": entry.name,
        "bytes": entry.all_bytes,
        "licence": entry.licence,
        "architecture": entry.architecture,
        "fits": entry.all_bytes + FIXED_BYTES <= budget,
        "machine_gb": entry.machine_gb,
        "huggingface": entry.huggingface,
        "modelscope": entry.modelscope,
        "verified": entry.verified,
        "here_bytes": sum(part.stat().st_size for part in store.parts(entry.name)),
        "remark": entry.remark,
    }


def _routed_table(routed: list[dict[str, Any]]) -> str:
    rows = [(row["name"], row["kind"], ", ".join(row["route"]), ", ".join(row["aliases"])) for row in routed]
    return _table([("ROUTED", "KIND", "ANSWERED BY", "ALSO NAMED"), *rows])


def _here_table(here: list[dict[str, Any]]) -> str:
    rows = [
        (
            row["name"],
            row["kind"],
            size(row["bytes"]),
            str(row["context"] or ""),
            size(row["memory_bytes"]) if row["memory_bytes"] else "",
            ", ".join(part for part in (row["source"], row["remark"]) if part),
        )
        for row in here
    ]
    misfits = [f"  {row['misfit']}" for row in here if row["misfit"]]
    return "\n".join([_table([("HERE", "KIND", "SIZE", "CONTEXT", "MEMORY", "REMARK"), *rows]), *misfits])


def _there_table(there: list[dict[str, Any]]) -> str:
    rows = [
        (
            row["name"],
            size(row["bytes"]),
            "fits" if row["fits"] else "too large",
            row["licence"] or "see its page",
            ", ".join(part for part in (row["remark"], _partly(row), "" if row["verified"] else "unverified") if part),
        )
        for row in there
    ]
    return _table([("TO PULL", "SIZE", "MEMORY", "LICENCE", "REMARK"), *rows])


def _partly(row: dict[str, Any]) -> str:
    return f"{size(row['here_bytes'])} are here" if row["here_bytes"] else ""


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
