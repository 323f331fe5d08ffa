"""The embeddings in the vector stores that users have: what is asked in other words is found."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore

from langchain_zhipuai import ZhipuAIEmbeddings
from tests.stories.served import Served

with warnings.catch_warnings():
    # The package says at its import that it is no longer developed; its FAISS is the one that users have.
    warnings.filterwarnings("ignore", message="`langchain-community` is being sunset")
    from langchain_community.vectorstores import FAISS

pytestmark = pytest.mark.engine

FACTS: Final = (
    "The cat sleeps on the warm sofa.",
    "The stock market fell sharply on Monday.",
    "Water boils at one hundred degrees Celsius.",
    "The football team won the final match.",
    "Rust and Python are programming languages.",
    "The museum is closed on public holidays.",
)
PARAPHRASES: Final = {
    "A kitten is napping on the couch.": FACTS[0],
    "Share prices dropped a lot at the start of the week.": FACTS[1],
    "At which temperature does water start to boil?": FACTS[2],
    "Who was victorious in the soccer championship?": FACTS[3],
    "What can one write computer programs in?": FACTS[4],
    "Can I visit the gallery on a national day off?": FACTS[5],
}


@pytest.fixture
def embeddings(built_in: Served) -> Iterator[ZhipuAIEmbeddings]:
    """The seed's model, `embedding-2`, at a glmgate with its built-in one."""
    made = ZhipuAIEmbeddings(api_key=built_in.key, base_url=built_in.base("/api/paas/v4"))
    yield made
    made.close()


@pytest.mark.parametrize("kind", [FAISS, InMemoryVectorStore])
def test_the_nearest_neighbour_of_a_paraphrase_is_the_right_sentence(
    kind: type[VectorStore], embeddings: ZhipuAIEmbeddings
) -> None:
    """In both stores, for all of them."""
    store = kind.from_texts(list(FACTS), embeddings)
    found = {asked: store.similarity_search(asked, k=1)[0].page_content for asked in PARAPHRASES}
    assert found == PARAPHRASES


@pytest.mark.parametrize("kind", [FAISS, InMemoryVectorStore])
async def test_the_same_without_blocking(kind: type[VectorStore], embeddings: ZhipuAIEmbeddings) -> None:
    """The stores' async ways call ours."""
    store = await kind.afrom_texts(list(FACTS), embeddings)
    asked, right = next(iter(PARAPHRASES.items()))
    assert [each.page_content for each in await store.asimilarity_search(asked, k=1)] == [right]
    await embeddings.aclose()


def test_an_index_is_kept_on_disk(embeddings: ZhipuAIEmbeddings, tmp_path: Path) -> None:
    """As users of FAISS do; vectors have 1,024 numbers."""
    store = FAISS.from_texts(list(FACTS), embeddings, metadatas=[{"line": line} for line in range(len(FACTS))])
    assert store.index.d == 1024
    store.save_local(str(tmp_path))
    again = FAISS.load_local(str(tmp_path), embeddings, allow_dangerous_deserialization=True)
    (document,) = again.as_retriever(search_kwargs={"k": 1}).invoke("When does water boil?")
    assert (document.page_content, document.metadata) == (FACTS[2], {"line": 2})
