"""How a model is going to be run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from glmgate.engines.embedded.settings import EmbeddedSettings
from glmgate.engines.embedded.spec import LocalModel, parameters, plan
from glmgate.weights.builtin import builtin_models
from glmgate.weights.chat_template import text_of
from glmgate.weights.gguf import GgufFacts, read_facts

BUDGET = 1 << 33


@pytest.fixture(scope="module")
def chat() -> GgufFacts:
    """The shipped chat model."""
    return next(read_facts(model.path) for model in builtin_models() if model.kind == "chat")


@pytest.fixture(scope="module")
def embedding() -> GgufFacts:
    """The shipped embedding model."""
    return next(read_facts(model.path) for model in builtin_models() if model.kind == "embedding")


def chosen(model: LocalModel, facts: GgufFacts, settings: EmbeddedSettings) -> dict[str, object]:
    """The engine's parameters for a model."""
    return dict(parameters(plan(model, facts, settings, threads=3, budget_bytes=BUDGET), settings))


def test_every_slot_has_the_whole_context(chat: GgufFacts) -> None:
    """The engine divides what it is given by the slots, so it is given as many times more."""
    made = chosen(LocalModel("m", chat.path), chat, EmbeddedSettings(context=1000, parallel=3))
    assert (made["n_ctx"], made["kv_unified_per_slot"], made["n_parallel"]) == (3000, 1000, 3)


def test_a_context_longer_than_the_models_is_cut_to_it(chat: GgufFacts) -> None:
    """Beyond its own context a model writes nonsense."""
    made = plan(LocalModel("m", chat.path), chat, EmbeddedSettings(context=1 << 20), threads=1, budget_bytes=BUDGET)
    assert made.context == chat.context_length


@pytest.mark.parametrize(("setting", "expected"), [(None, 3), (7, 7)])
def test_threads_are_the_settings_or_what_the_machine_is_good_for(
    chat: GgufFacts, setting: int | None, expected: int
) -> None:
    """For the prompt and for the answer alike."""
    made = chosen(LocalModel("m", chat.path), chat, EmbeddedSettings(threads=setting))
    assert made["cpuparams.n_threads"] == made["cpuparams_batch.n_threads"] == expected


def test_nothing_is_served_that_we_do_not_ask_for(chat: GgufFacts) -> None:
    """No web page, and a cache of prompts that cannot grow to 8 GiB (engine facts 3.13)."""
    made = chosen(LocalModel("m", chat.path), chat, EmbeddedSettings())
    assert made["ui"] is False
    assert made["cache_ram_mib"] == 256


def test_requests_without_a_seed_differ_unless_one_is_set(chat: GgufFacts) -> None:
    """The engine draws one for each; a set one makes an installation answer the same each time."""
    model = LocalModel("m", chat.path)
    assert "sampling.seed" not in chosen(model, chat, EmbeddedSettings())
    assert chosen(model, chat, EmbeddedSettings(seed=7))["sampling.seed"] == 7


def test_the_template_of_the_file_is_used_where_nothing_replaces_it(chat: GgufFacts) -> None:
    """The engine reads it itself."""
    assert "chat_template" not in chosen(LocalModel("m", chat.path), chat, EmbeddedSettings())


def test_a_family_s_template_can_be_replaced(chat: GgufFacts, tmp_path: Path) -> None:
    """By the architecture that the file names (engine facts 3.15); one of the model itself wins."""
    template = tmp_path / "t.jinja"
    template.write_text("of the family")
    settings = EmbeddedSettings(chat_templates={"glm4": template})
    assert chosen(LocalModel("m", chat.path), chat, settings)["chat_template"] == "of the family"
    assert chosen(LocalModel("m", chat.path, "chat", "own"), chat, settings)["chat_template"] == "own"


def test_a_known_family_is_run_with_our_template(chat: GgufFacts) -> None:
    """Unless the user wants the file's own for that architecture."""
    known = replace(chat, chat_template="<arg_key>/nothink")
    model = LocalModel("m", chat.path)
    assert chosen(model, known, EmbeddedSettings())["chat_template"] == text_of("glm-4.6")
    assert "chat_template" not in chosen(model, known, EmbeddedSettings(own_templates=("glm4",)))


def test_an_embedding_model_has_no_use_for_one(chat: GgufFacts) -> None:
    """Whatever stands in its file."""
    known = replace(chat, chat_template="<arg_key>/nothink")
    assert "chat_template" not in chosen(LocalModel("m", chat.path, "embedding"), known, EmbeddedSettings())


def test_layers_go_to_the_gpu_as_the_setting_says(chat: GgufFacts) -> None:
    """Without one the engine puts there what fits."""
    assert "n_gpu_layers" not in chosen(LocalModel("m", chat.path), chat, EmbeddedSettings())
    made = chosen(LocalModel("m", chat.path), chat, EmbeddedSettings(gpu_layers=0))
    assert (made["n_gpu_layers"], made["fit_params"]) == (0, False)


def test_an_embedding_model_reads_a_text_in_one_piece(embedding: GgufFacts) -> None:
    """Its micro-batch holds its whole context, and its own way of pooling is kept."""
    made = chosen(LocalModel("e", embedding.path, "embedding"), embedding, EmbeddedSettings())
    assert made["embedding"] is True
    assert made["n_ubatch"] == made["n_batch"] == 512
    assert "pooling_type" not in made


def test_an_embedding_model_without_a_way_of_pooling_takes_the_mean(embedding: GgufFacts) -> None:
    """Otherwise the engine gives a vector for each token."""
    made = chosen(LocalModel("e", embedding.path, "embedding"), replace(embedding, pooling=-1), EmbeddedSettings())
    assert made["pooling_type"] == "LLAMA_POOLING_TYPE_MEAN"
