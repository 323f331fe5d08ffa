"""`[[models]]`: the names that callers use, and how mistakes about them are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmgate.errors import SettingsError
from glmgate.settings import load
from glmgate.settings.models import Model

ONE = '[[upstreams]]\nname = "zai"\nprofile = "zai"\n'
TWO = ONE + '[[upstreams]]\nname = "spare"\nprofile = "ollama"\n'
GLM = '[[models]]\nname = "glm-4.6"\n'


def routed(home: Path, text: str) -> tuple[Model, ...]:
    """The models of a file."""
    (home / "glmgate.toml").write_text(text)
    return load(environment={}, home=home).routed


def mistake(home: Path, text: str) -> str:
    """What is told about settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        routed(home, text)
    return caught.value.message


def test_a_model_has_all_that_was_said(tmp_path: Path) -> None:
    """As in the example of the documentation."""
    text = (
        TWO
        + GLM
        + (
            'aliases = ["gpt-4o", "gpt-4.1"]\n'
            'route = [ { upstream = "zai", model = "GLM-4.6", weight = 2 }, { upstream = "Spare", priority = 1 },\n'
            '          { engine = "glmgate-tiny" } ]\n'
            "cache = { ttl = 60, on = false }\ncoalesce = true\nremember = false\n"
        )
    )
    (model,) = routed(tmp_path, text)
    assert (model.name, model.kind, model.aliases) == ("glm-4.6", "chat", ("gpt-4o", "gpt-4.1"))
    assert [(each.upstream, each.engine, each.model, each.priority, each.weight) for each in model.routes] == [
        ("zai", None, "GLM-4.6", 1, 2),
        ("spare", None, "glm-4.6", 1, 1),
        (None, "glmgate-tiny", "glmgate-tiny", 3, 1),
    ]
    assert model.cache is not None
    assert (model.cache.ttl, model.cache.on, model.coalesce, model.remember) == (60, False, True, False)


def test_little_has_to_be_said(tmp_path: Path) -> None:
    """With one upstream a name is enough; nothing is kept, nothing shared, thoughts are given back."""
    (model,) = routed(tmp_path, ONE + GLM)
    assert [(each.upstream, each.model) for each in model.routes] == [("zai", "glm-4.6")]
    assert (model.cache, model.coalesce, model.remember) == (None, False, True)


def test_names_of_embedding_models_are_known(tmp_path: Path) -> None:
    """What they do follows; equal texts in flight are embedded once."""
    (model,) = routed(tmp_path, ONE + '[[models]]\nname = "embedding-3"\n')
    assert (model.kind, model.coalesce) == ("embedding", True)
    (other,) = routed(tmp_path, ONE + '[[models]]\nname = "bge"\nkind = "embedding"\n')
    assert other.kind == "embedding"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ONE + GLM + "alias = ['x']\n", ["[[models]] 'glm-4.6': alias is not a setting", "Do you mean aliases?"]),
        (ONE + GLM + "route = [{ upsteam = 'zai' }]\n", ["route 1: upsteam", "Do you mean upstream?"]),
        (ONE + GLM + "route = [{ upstream = 'zia' }]\n", ["upstream is 'zia'", "Do you mean zai?"]),
        (ONE + GLM + "route = [{ }]\n", ["route 1: names an upstream or an engine"]),
        (ONE + GLM + "route = [{ upstream = 'zai', engine = 'x' }]\n", ["one of the two"]),
        (ONE + GLM + "route = [{ engine = 'x', model = 'y' }]\n", ["model is for upstreams"]),
        (ONE + GLM + "route = [{ upstream = 'zai', weight = 0 }]\n", ["weight is 0", "more than 0"]),
        (ONE + GLM + "route = [{ upstream = 'zai', weight = -1 }]\n", ["weight is -1", "negative"]),
        (ONE + GLM + "route = { upstream = 'zai' }\n", ["route is", "a list of tables"]),
        (ONE + GLM + "route = ['zai']\n", ["route 1: is 'zai'", "a table"]),
        (ONE + GLM + "cache = { tll = 1 }\n", ["cache tll", "Do you mean ttl?"]),
        (ONE + GLM + "cache = { ttl = 0 }\n", ["cache ttl is 0", "more than 0"]),
        (ONE + GLM + "kind = 'image'\n", ["kind is 'image'", "one of 'chat', 'embedding'"]),
        (ONE + GLM + "aliases = ['']\n", ["'' is no name"]),
        (ONE + GLM + "aliases = ['GLM-4.6']\n", ["is taken by the model 'glm-4.6'"]),
        (ONE + GLM + "aliases = ['a', 'A']\n", ["is taken by the model 'glm-4.6'"]),
        (ONE + GLM + GLM, ["'glm-4.6' is given twice"]),
        (ONE + GLM + "aliases = ['x']\n[[models]]\nname = 'y'\naliases = ['X']\n", ["'X' is taken by the model"]),
        (ONE + "[[models]]\n", ["[[models]] 1: has no name"]),
        (GLM, ["has no route"]),
        (TWO + GLM, ["has no route", "not exactly one"]),
        (GLM + "route = [{ upstream = 'zai' }]\n", ["There are no [[upstreams]]"]),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(tmp_path: Path, text: str, told: list[str]) -> None:
    """Unknown names are errors at every level; a name has one owner."""
    message = mistake(tmp_path, text)
    assert [part for part in told if part not in message] == []
