"""Tests of the banner: what somebody who starts the server is told."""

from __future__ import annotations

import ast
import dataclasses

import pytest

from glmgate.cli.banner import Facts, ServedModel, Upstream, banner

TINY = ServedModel(name="glmgate-tiny", kind="chat")
MINILM = ServedModel(name="all-minilm-l6-v2", kind="embedding", remark="English only")
FACTS = Facts(
    host="127.0.0.1",
    port=8000,
    new_key="a1.secret",
    key_ids=("a1",),
    models=(TINY, MINILM),
    engine="embedded, llama.cpp",
    stand_ins="GLM and OpenAI",
    demonstration=True,
)


def shown(**changes: object) -> str:
    """The banner of the facts, changed."""
    return banner(dataclasses.replace(FACTS, **changes))  # type: ignore[arg-type] # members of Facts


def snippet(text: str) -> str:
    """The lines that are to be pasted."""
    return text[text.index("from openai") :]


def test_both_base_urls_are_shown() -> None:
    """Each world finds its own base URL."""
    assert "http://127.0.0.1:8000/v1\n" in shown()
    assert "http://127.0.0.1:8000/api/paas/v4\n" in shown()


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:9/v1"), ("::", "http://[::1]:9/v1"), ("::1", "http://[::1]:9/v1")],
)
def test_an_address_that_nobody_can_call_is_shown_as_one_that_works(host: str, url: str) -> None:
    """Listening everywhere is said, with an address that can be pasted."""
    text = shown(host=host, port=9)
    assert url in text
    assert ("every address" in text) == (host != "::1")


def test_a_new_key_is_shown_whole() -> None:
    """The start that makes the key prints it, and how to see it again."""
    text = shown()
    assert "a1.secret\n" in text
    assert "glmgate keys show a1" in text


def test_later_starts_show_the_id_and_the_commands() -> None:
    """Later the key stays out of logs: its id, and the commands that show it or make another."""
    text = shown(new_key=None, key_ids=("a1", "b2", "c3"))
    assert "secret" not in text
    assert "a1 (and 2 more: `glmgate keys list`)" in text
    assert "glmgate keys show a1" in text
    assert "glmgate keys create --name NAME" in text


def test_without_any_key_the_way_to_one_is_shown() -> None:
    """A store without live keys is no dead end."""
    assert "none; `glmgate keys create --name NAME` makes one" in shown(new_key=None, key_ids=())


def test_without_auth_no_key_is_shown() -> None:
    """A server that asks for no key says so."""
    text = shown(auth=False, new_key=None)
    assert "--no-auth" in text
    assert 'api_key="none"' in text


def test_models_and_engine_are_shown() -> None:
    """What answers, with what its users have to know."""
    text = shown()
    assert "glmgate-tiny (chat)" in text
    assert "all-minilm-l6-v2 (embedding, English only)" in text
    assert "embedded, llama.cpp" in text


def test_a_missing_engine_says_why() -> None:
    """A server without an engine starts, and tells what is missing instead of showing a call that cannot work."""
    text = shown(models=(), engine_missing="xllamacpp has no build for this machine")
    assert "none: xllamacpp has no build for this machine" in text
    assert "from openai" not in text


def test_stand_ins_are_told() -> None:
    """Nobody takes the small model's answers for GLM's."""
    text = shown()
    assert "Names of GLM and OpenAI chat models are answered by glmgate-tiny" in text
    assert "small demonstration model" in text


def test_a_real_model_is_no_demonstration() -> None:
    """Where another model stands in, only that is said."""
    text = shown(models=(ServedModel(name="glm-4-9b", kind="chat"),), demonstration=False)
    assert "are answered by glm-4-9b" in text
    assert "demonstration" not in text


def test_with_strict_names_nothing_stands_in() -> None:
    """Where names are strict there is nothing to warn of."""
    assert "are answered by" not in shown(stand_ins="")


def test_the_snippet_is_python_with_the_real_key_and_url() -> None:
    """What is pasted runs as it is."""
    text = snippet(shown(port=8123))
    ast.parse(text)
    assert 'OpenAI(api_key="a1.secret", base_url="http://127.0.0.1:8123/v1")' in text
    assert 'model="glmgate-tiny"' in text


def test_without_a_chat_model_there_is_no_snippet() -> None:
    """A server that only embeds shows no chat."""
    assert "from openai" not in shown(models=(MINILM,))


def test_the_facts_do_not_show_the_key() -> None:
    """The representation of the facts, in a log for instance, holds no secret."""
    assert "secret" not in repr(FACTS)


def test_commands_are_told_as_they_can_be_pasted() -> None:
    """After `make serve` the program is on nobody's path, so its path is told."""
    text = shown(new_key=None, program=".venv/bin/glmgate")
    assert "`.venv/bin/glmgate keys show a1`" in text
    assert "`glmgate" not in text


def test_embedding_names_are_answered_by_the_embedding_model() -> None:
    """Whoever asks for embedding-3 is told beforehand who answers."""
    assert "Names of embedding models are answered by all-minilm-l6-v2" in shown()


def test_a_service_of_the_environment_is_the_first_line() -> None:
    """Nobody configured it, so it is said before all else; the example asks it."""
    found = Upstream(name="zai", base_url="https://zai.example/v4", variable="ZAI_API_KEY")
    spare = Upstream(name="bigmodel", base_url="https://bm.example/v4", variable="ZHIPUAI_API_KEY")
    models = (dataclasses.replace(TINY, stands_in=False), dataclasses.replace(MINILM, stands_in=False))
    text = shown(environment=(found, spare), usual="glm-4.6", models=models)
    assert text.splitlines()[0] == (
        "GLM names are routed to zai (https://zai.example/v4, key in ZAI_API_KEY), else to bigmodel "
        "(https://bm.example/v4, key in ZHIPUAI_API_KEY). `--local` prevents it."
    )
    assert 'model="glm-4.6"' in snippet(text)
    assert "Names of OpenAI chat models are answered by glm-4.6" in text
    assert "demonstration" not in text
    assert "Names of embedding models" not in text


def test_local_models_that_go_before_a_service_are_in_the_first_line() -> None:
    """It does not promise what the next lines take back: a pulled model answers GLM's names of its kind."""
    found = Upstream(name="zai", base_url="https://zai.example/v4", variable="ZAI_API_KEY")
    mine = ServedModel(name="mine", kind="chat")
    text = shown(environment=(found,), models=(mine, dataclasses.replace(MINILM, stands_in=False)), demonstration=False)
    assert text.splitlines()[0] == (
        "GLM names are answered here, those of chat models by mine; others are routed to zai "
        "(https://zai.example/v4, key in ZAI_API_KEY). `--local` prevents it."
    )
    assert "every GLM name" not in text


def test_configured_services_are_listed() -> None:
    """With the number of their credentials, and the models with their other names."""
    routed = ServedModel(name="glm-4.6", kind="chat", remark="by main", aliases=("gpt-4o",))
    services = (
        Upstream(name="main", base_url="https://a.example/v4", credentials=2),
        Upstream(name="own", base_url="http://127.0.0.1:8000/v1", credentials=0),
    )
    models = (routed, dataclasses.replace(TINY, stands_in=False), dataclasses.replace(MINILM, stands_in=False))
    text = shown(upstreams=services, models=models, demonstration=False)
    assert text.startswith("glmgate ")
    assert "glm-4.6 (chat, by main, also gpt-4o)" in text
    assert "main: https://a.example/v4, 2 credentials\n" in text
    assert "own: http://127.0.0.1:8000/v1, no credential\n" in text
    assert "Names of GLM and OpenAI chat models are answered by glm-4.6" in text
    assert "Names of embedding models" not in text
