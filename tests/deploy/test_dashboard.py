"""The dashboard: what it asks for exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tools import pages

FILE = Path(__file__).resolve().parents[2] / "deploy" / "grafana.json"
_PARTS = re.compile(r"_(bucket|count|sum)$")


def queries() -> list[str]:
    """Every query of the dashboard."""
    dashboard: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_metric_that_is_asked_for_exists() -> None:
    """With the labels that are asked for, as docs/operations.md lists them."""
    rows = [line.split(" | ") for line in pages.metrics().splitlines()[2:]]
    known = {cells[0].strip("| `"): set(re.findall(r"`(\w+)`", cells[2])) | {"le"} for cells in rows}
    for query in queries():
        named = re.findall(r"(?:glmgate_|gen_ai_\w+_(?:seconds|usage)|vllm:)\w*", query)
        assert named, query
        for name in (_PARTS.sub("", each) for each in named):
            assert name in known, query
            labels = set(re.findall(r"by \(([^)]*)\)", query)[0].split(", ")) if " by (" in query else set()
            assert labels <= known[name], query


def test_panels_do_not_lie_on_each_other() -> None:
    """Each has a place and a number of its own."""
    panels = json.loads(FILE.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
