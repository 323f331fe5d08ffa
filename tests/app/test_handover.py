"""What a parent hands to its workers."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from glmgate.app.handover import Change, Handover, change, handover, packed
from glmgate.app.keeper import Given
from glmgate.engines.embedded.spec import LocalModel
from glmgate.policy.keys import MasterKey
from glmgate.policy.prices import Prices
from glmgate.settings import load
from tests.services import KEYS

NO_PRICES = Prices()
FILE = """
[server]
workers = 2
[engine]
chat_templates = { glm4 = "t.jinja" }
[[upstreams]]
name = "zai"
profile = "zai"
credentials = ["env:KEY"]
[[models]]
name = "glm-4.6"
route = [{ upstream = "zai" }]
[[prices]]
model = "glm-4.6"
currency = "USD"
input = 0.6
output = 2.2
"""


def everything(home: Path) -> Change:
    """Settings with something of every kind."""
    (home / "glmgate.toml").write_text(FILE)
    settings = load(environment={"KEY": KEYS[0]}, home=home)
    return Change(replace(settings, master_key=MasterKey.from_text("x" * 32)), {"zai": {"f": 0}})


def unpriced(each: Change) -> Change:
    """Without prices: they are looked up, not compared."""
    return replace(each, settings=replace(each.settings, prices=NO_PRICES))


def test_settings_arrive_as_they_were(tmp_path: Path) -> None:
    """With the secrets that are needed to ask, and views that nobody can change."""
    wanted = everything(tmp_path)
    found = change(packed(wanted))
    assert unpriced(found) == unpriced(wanted)
    assert found.settings.prices.price("zai", "glm-4.6", 0) == wanted.settings.prices.price("zai", "glm-4.6", 0)
    assert found.settings.upstreams[0].credentials[0].secret.reveal() == KEYS[0]
    assert type(found.settings.engine.chat_templates) is type(wanted.settings.engine.chat_templates)


def test_a_worker_begins_with_the_models_of_the_start(tmp_path: Path) -> None:
    """Those that were found then, and the sockets."""
    given: Given = ((LocalModel("m", tmp_path / "m.gguf"), "local"),)
    wanted = Handover(everything(tmp_path), given, (7, 8))
    found = handover(packed(wanted))
    assert unpriced(found.change) == unpriced(wanted.change)
    assert (found.given, found.sockets) == (given, (7, 8))


def test_secrets_still_refuse_every_other_way(tmp_path: Path) -> None:
    """Only who hands over on purpose writes them down."""
    with pytest.raises(TypeError):
        pickle.dumps(everything(tmp_path).settings.upstreams[0].credentials[0].secret)


def test_one_thing_is_not_taken_for_the_other(tmp_path: Path) -> None:
    """A message of the wrong kind is a fault."""
    with pytest.raises(AssertionError):
        handover(packed(everything(tmp_path)))
