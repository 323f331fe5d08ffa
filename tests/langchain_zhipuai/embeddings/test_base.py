"""The embeddings against a loopback BigModel, as strict as the real one."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from langchain_zhipuai import ZhipuAIEmbeddings
from langchain_zhipuai.embeddings.base import batches, vectors_of
from tests.services import KEYS, Service, running


@pytest.fixture
def service() -> Iterator[Service]:
    """BigModel's service."""
    with running("bigmodel") as found:
        yield found


def embeddings_of(service: Service, **members: Any) -> ZhipuAIEmbeddings:
    """Embeddings of a service."""
    return ZhipuAIEmbeddings(**{"api_key": KEYS[0], "base_url": service.base_url} | members)


def test_the_seed_s_own_lines(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """One document, 1,024 numbers."""
    monkeypatch.setenv("ZHIPUAI_API_KEY", KEYS[0])
    monkeypatch.setenv("ZHIPUAI_API_BASE", service.base_url)
    embedding = ZhipuAIEmbeddings()
    output = embedding.embed_documents(["foo bar"])
    embedding.close()
    assert (len(output), len(output[0])) == (1, 1024)
    assert service.last.body == {"model": "embedding-2", "input": ["foo bar"], "encoding_format": "float"}


def test_vectors_are_the_service_s_in_the_order_of_the_texts(service: Service) -> None:
    """However many requests it takes: no more than 64 texts each, which is what BigModel allows."""
    embedding = embeddings_of(service)
    texts = [f"text {number}" for number in range(150)]
    vectors = embedding.embed_documents(texts)
    assert [len(body["input"]) for body in service.bodies] == [64, 64, 22]
    assert not service.refusals
    assert vectors[149] == embedding.embed_query("text 149")
    assert math.isclose(math.hypot(*vectors[0]), 1, abs_tol=1e-6)
    assert embedding.embed_documents(texts[:5], chunk_size=2) == vectors[:5]
    assert [len(body["input"]) for body in service.bodies[-3:]] == [2, 2, 1]
    embedding.close()


async def test_the_same_without_blocking(service: Service) -> None:
    """The vectors are equal to the last digit."""
    embedding = embeddings_of(service, model="embedding-3", dimensions=256)
    vectors = await embedding.aembed_documents(["one", "two"])
    assert await embedding.aembed_query("two") == vectors[1]
    assert embedding.embed_documents(["one", "two"]) == vectors
    assert {len(vector) for vector in vectors} == {256}
    assert service.last.body["dimensions"] == 256
    await embedding.aclose()
    embedding.close()


async def test_no_texts_make_no_request(service: Service) -> None:
    """An empty list is refused by the service."""
    embedding = embeddings_of(service)
    assert embedding.embed_documents([]) == await embedding.aembed_documents([]) == []
    assert service.requests == []


async def test_a_text_in_place_of_texts_is_refused(service: Service) -> None:
    """Its letters would be embedded one by one."""
    embedding = embeddings_of(service)
    with pytest.raises(TypeError, match=r"'foo bar'.*embed_query"):
        embedding.embed_documents("foo bar")  # type: ignore[arg-type] # the slip that is meant
    with pytest.raises(TypeError, match=r"'foo bar'.*embed_query"):
        await embedding.aembed_documents("foo bar")  # type: ignore[arg-type] # the slip that is meant
    assert service.requests == []


def test_further_members_go_into_the_body(service: Service) -> None:
    """Those of the wire that are no fields."""
    embedding = embeddings_of(service, model_kwargs={"user_id": "user-1"}, headers={"X-Team": "blue"})
    embedding.embed_query("a")
    embedding.close()
    assert service.last.body["user_id"] == "user-1"
    assert service.last.headers["x-team"] == "blue"


def test_a_busy_service_is_asked_again(service: Service) -> None:
    """By the SDK, as for chats."""
    service.fail_with(429, code="1302", headers={"Retry-After": "1"})
    embedding = embeddings_of(service)
    assert len(embedding.embed_query("a")) == 1024
    embedding.close()
    assert len(service.requests) == 2


def test_a_refusal_is_the_sdk_s_own(service: Service) -> None:
    """With GLM's code."""
    embedding = embeddings_of(service, model="embedding-3", dimensions=7)
    with pytest.raises(openai.BadRequestError) as caught:
        embedding.embed_query("a")
    embedding.close()
    assert caught.value.code == "1214"


def test_a_bar_is_shown_where_asked_for(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By tqdm, over the requests; where it is missing, that is said."""
    embedding = embeddings_of(service, show_progress_bar=True, chunk_size=1)
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        embedding.embed_query("a")
    (tmp_path / "tqdm").mkdir()
    (tmp_path / "tqdm" / "__init__.py").touch()
    bar = "def tqdm(parts):\n    print(f'{len(parts)} parts')\n    return parts\n"
    (tmp_path / "tqdm" / "auto.py").write_text(bar, encoding="utf-8")
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert len(embedding.embed_documents(["a", "b"])) == 2
    embedding.close()
    assert capsys.readouterr().out == "2 parts\n"


async def test_a_web_page_has_no_vectors(service: Service) -> None:
    """It is what a wrong address gives."""
    service.fail_with(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}, times=None)
    embedding = embeddings_of(service)
    with pytest.raises(ValueError, match=r"base_url.*Welcome"):
        embedding.embed_query("a")
    with pytest.raises(ValueError, match=r"base_url.*Welcome"):
        await embedding.aembed_query("a")
    embedding.close()
    await embedding.aclose()


@pytest.mark.parametrize(("size", "parts"), [(2, [2, 2, 1]), (5, [5]), (1000, [5])])
def test_batches(size: int, parts: list[int]) -> None:
    """All texts, in order."""
    texts = list("abcde")
    made = batches(texts, size)
    assert [len(part) for part in made] == parts
    assert [text for part in made for text in part] == texts


def test_vectors_are_put_in_order() -> None:
    """By their index."""
    data = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]
    assert vectors_of({"data": data}, 2) == [[1.0], [2.0]]


@pytest.mark.parametrize("data", [[], [{"index": 0, "embedding": [1]}] * 2, [{"index": 1, "embedding": [1]}]])
def test_a_vector_too_few_or_twice_is_told(data: list[dict[str, Any]]) -> None:
    """A search would otherwise find the wrong texts for ever."""
    with pytest.raises(ValueError, match="for 2 texts"):
        vectors_of({"data": data}, 2)
