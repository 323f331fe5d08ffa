"""The whole program: which parts a start builds, and what it has to tell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import random_model
from glmgate.app import opened
from glmgate.errors import SettingsError
from glmgate.settings import Settings, load
from glmgate.weights.errors import WeightsUnreadable

pytestmark = pytest.mark.engine


def settings(home: Path, *models: Path, **flags: object) -> Settings:
    """The settings of a start in `home`; flags are of the section `server`, or `aliases` where they belong there."""
    aliases = {"openai", "strict_models"}
    places = {("aliases" if name in aliases else "server", name): value for name, value in flags.items()}
    return load(environment={}, home=home, flags=places, models=models)


async def test_a_fresh_home_gets_a_first_key_once(tmp_path: Path) -> None:
    """The start that makes a key can tell it; the next one finds it."""
    async with opened(settings(tmp_path)) as app:
        assert app.first_key is not None
        assert app.accounts is not None
        assert (await app.accounts.keyring.key(app.first_key)).name == "first"
    async with opened(settings(tmp_path)) as app:
        assert app.first_key is None


async def test_without_keys_nothing_is_stored(tmp_path: Path) -> None:
    """`--no-auth` makes neither a database nor a master key."""
    async with opened(settings(tmp_path / "home", auth=False)) as app:
        assert (app.accounts, app.first_key) == (None, None)
    assert not (tmp_path / "home").exists()


async def test_the_built_in_models_answer_known_names(tmp_path: Path) -> None:
    """Where nothing else is configured, GLM's and OpenAI's names are answered by the built-in ones, which say so."""
    async with opened(settings(tmp_path, auth=False)) as app:
        assert {card.id for card in app.catalogue.cards()} == {"glmgate-tiny", "all-minilm-l6-v2"}
        assert app.catalogue.card("glm-4.6").answered_by == "glmgate-tiny"
        assert app.catalogue.card("embedding-3").answered_by == "all-minilm-l6-v2"


async def test_a_given_model_stands_before_the_built_in_one(tmp_path: Path) -> None:
    """`--model` names what answers GLM names; the demonstration model keeps its own name only."""
    model = random_model.write(tmp_path / "mine.gguf", random_model.TINY)
    async with opened(settings(tmp_path, model, auth=False)) as app:
        assert app.catalogue.card("glm-4.6").answered_by == "mine"
        assert "glmgate-tiny" in {card.id for card in app.catalogue.cards()}


async def test_pulled_models_stand_between(tmp_path: Path) -> None:
    """The newest pulled model answers GLM's names, unless another was given; all of them are served."""
    for age, name in enumerate(("newer", "older", "mine")):
        path = random_model.write(tmp_path / "models" / f"{name}.gguf", random_model.TINY)
        os.utime(path, (1e9 - age, 1e9 - age))
    mine = tmp_path / "models" / "mine.gguf"
    async with opened(settings(tmp_path, auth=False)) as app:
        assert app.catalogue.card("glm-4.6").answered_by == "newer"
        assert [each.name for each in app.catalogue.deployments if each.kind == "chat"] == [
            "newer",
            "older",
            "mine",
            "glmgate-tiny",
        ]
    async with opened(settings(tmp_path, mine, auth=False)) as app:
        assert app.catalogue.card("glm-4.6").answered_by == "mine"
        names = [card.id for card in app.catalogue.cards()]
        assert sorted(names) == sorted(set(names))


async def test_a_pulled_model_that_cannot_be_run_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged file in the folder costs nobody the start; the log names it."""
    random_model.write(tmp_path / "models" / "good.gguf", random_model.TINY)
    (tmp_path / "models" / "bad.gguf").write_bytes(b"damaged")
    async with opened(settings(tmp_path, auth=False)) as app:
        assert app.catalogue.card("glm-4.6").answered_by == "good"
    assert "'bad' is left out" in caplog.text


async def test_a_given_model_that_cannot_fit_stops_the_start(tmp_path: Path) -> None:
    """With what would fit; a pulled one is only left out."""
    model = random_model.write(tmp_path / "mine.gguf", random_model.TINY)
    small = {("engine", "memory_bytes"): 136_000_000, ("server", "auth"): False}
    with pytest.raises(SettingsError, match=r"needs .* What fits: `--ctx \d+`"):
        async with opened(load(environment={}, home=tmp_path, flags=small, models=(model,))):
            pass
    (tmp_path / "models").mkdir()
    model.rename(tmp_path / "models" / "mine.gguf")
    async with opened(load(environment={}, home=tmp_path, flags=small)) as app:
        assert "mine" not in {card.id for card in app.catalogue.cards()}


async def test_two_files_of_one_name_stop_the_start(tmp_path: Path) -> None:
    """A model is named by its file, so two of one name could not be told apart."""
    models = [random_model.write(tmp_path / folder / "same.gguf", random_model.TINY) for folder in "ab"]
    with pytest.raises(SettingsError, match="same"):
        async with opened(settings(tmp_path, *models, auth=False)):
            pass


async def test_what_was_opened_is_closed(tmp_path: Path) -> None:
    """A start that fails late leaves no open files behind."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(WeightsUnreadable, match="broken"):
        async with opened(settings(tmp_path, broken)):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
